import subprocess

from aiopslab.paths import config


class Shell:
    @staticmethod
    def exec(command, input_data=None, cwd=None, timeout=30):
        assert config.get("k8s_host") == "localhost", "the agent's shell would go elsewhere"
        return Shell.local_exec(command, input_data, cwd, timeout=timeout)

    @staticmethod
    def local_exec(command, input_data=None, cwd=None, timeout=30):
        done = subprocess.run(command, shell=True, capture_output=True, timeout=timeout, cwd=cwd)
        return done.stdout.decode() + done.stderr.decode()
