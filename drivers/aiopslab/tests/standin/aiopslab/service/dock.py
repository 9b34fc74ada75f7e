"""Nobody looks at how a command ended."""

import subprocess


class Docker:
    def list_containers(self):
        return []

    def compose_up(self, cwd):
        return self.exec_command("docker compose up -d", cwd=cwd)

    def compose_down(self, cwd):
        return self.exec_command("docker compose down", cwd=cwd)

    def exec_command(self, command, input_data=None, cwd=None):
        done = subprocess.run(
            command, input=input_data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, shell=True, cwd=cwd
        )
        return done.stdout.decode("utf-8")
