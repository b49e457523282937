"""Run in every kernel that runs a chapter: a shell command that fails is an error of its cell."""


def _install() -> None:
    import subprocess

    from IPython import get_ipython

    shell = get_ipython()

    def checked(run):
        def system(command: str):
            shell.user_ns["_exit_code"] = 0
            result = run(command)
            if code := shell.user_ns["_exit_code"]:
                raise subprocess.CalledProcessError(code, command)
            return result

        return system

    shell.system = checked(shell.system)


_install()
del _install
