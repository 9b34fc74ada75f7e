"""Charts are taken from the checkout, and filled there."""

import subprocess


class Helm:
    @staticmethod
    def install(**args):
        dependency_command = f"helm dependency update {args['chart_path']}"
        dependency_process = subprocess.Popen(
            dependency_command, shell=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        dependency_process.communicate()
        command = f"helm install {args['release_name']} {args['chart_path']} --create-namespace"
        process = subprocess.Popen(command, shell=True, stdout=subprocess.PIPE)
        print(process.communicate()[0].decode())

    @staticmethod
    def upgrade(**args):
        command = ["helm", "upgrade", args["release_name"], args["chart_path"]]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        print(process.communicate())
