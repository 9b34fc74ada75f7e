"""SIGTERM and SIGINT as SystemExit, so that whatever was begun can be taken back."""

import contextlib
import signal
import threading

EXIT_CODE = 143
NUMBERS = (signal.SIGTERM, signal.SIGINT)


def hold_back():
    """Until `let_through` a signal waits, through an exec too: a driver that is stopped while it starts
    has something to say. No child may be started meanwhile, as it would inherit this."""
    signal.pthread_sigmask(signal.SIG_BLOCK, NUMBERS)


def let_through():
    signal.pthread_sigmask(signal.SIG_UNBLOCK, NUMBERS)


class StopSignal:
    """The first signal raises SystemExit in the main thread, as soon as no event is half written.
    Later ones change nothing: taking back a fault must not be cut short by impatience."""

    def __init__(self):
        self.requested = False
        self._raised = False
        self._shielded = False
        self._deferred = 0

    def install(self):
        for number in NUMBERS:
            signal.signal(number, self._on_signal)

    def _on_signal(self, _number, _frame):
        self.requested = True
        if self._deferred == 0:
            self._raise_once()

    def _raise_once(self):
        if not self._raised and not self._shielded:
            self._raised = True
            raise SystemExit(EXIT_CODE)

    def check(self):
        """Raises again where the first SystemExit was swallowed by foreign code."""
        if self.requested and not self._shielded:
            self._raised = True
            raise SystemExit(EXIT_CODE)

    def request(self):
        """As if a signal had come; it takes effect at the next check."""
        self.requested = True

    def shield(self):
        """From here on nothing is raised any more: the teardown has begun for good."""
        self._shielded = True

    @contextlib.contextmanager
    def deferred(self):
        """Holds a signal back, in the main thread (others get none)."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        self._deferred += 1
        try:
            yield
        finally:
            self._deferred -= 1
        if self._deferred == 0 and self.requested:
            self._raise_once()
