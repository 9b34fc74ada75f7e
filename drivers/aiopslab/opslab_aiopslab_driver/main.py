"""The driver's entry: takes the task, cleans its environment, plays."""

import os
import sys

from opslab_aiopslab_driver import handover, isolation, output_capture, stop_signal, task_file
from opslab_aiopslab_driver.agents.keys import Keys
from opslab_aiopslab_driver.episode import Episode
from opslab_aiopslab_driver.events import Emitter
from opslab_aiopslab_driver.failures import RunFailure, TaskFailure
from opslab_aiopslab_driver.stop_signal import StopSignal

PROTOCOL = "1"


def main():
    if handover.FLAG in sys.argv[1:]:
        text, secrets = handover.receive(int(sys.argv[-1]))
        # not sys.exit: threads and atexit functions of others could still print, or never end
        code = drive(text, secrets)
        sys.stdout.finish()
        sys.stderr.finish()
        os._exit(code)
    if os.environ.get("OPSLAB_PROTOCOL", PROTOCOL) != PROTOCOL:
        sys.exit("opslab-driver-aiopslab: this driver speaks version 1 of the driver protocol")
    stop_signal.hold_back()
    try:
        handover.start_anew(os.environ)
    except OSError as error:
        sys.exit(f"opslab-driver-aiopslab: cannot take the task file: {error}")


def drive(text, secrets):
    stop = StopSignal()
    stop.install()
    descriptor = output_capture.take_stdout()
    try:
        task = task_file.parse(text)
    except TaskFailure as failure:
        sys.exit(f"opslab-driver-aiopslab: {failure}")
    emitter = Emitter(descriptor, task.event_prefix, stop, secrets.values())
    output_capture.redirect_prints(emitter)
    try:
        stop_signal.let_through()
        surroundings = isolation.enter()
        keys = Keys(secrets)
    except (RunFailure, OSError) as error:
        emitter.error("infrastructure", "setup", str(error))
        emitter.clean()  # nothing was touched
        return 1
    except SystemExit:
        emitter.error("infrastructure", "setup", "stopped by a signal before the set-up")
        emitter.clean()
        return 143
    return Episode(task, keys, emitter, stop, surroundings).play()
