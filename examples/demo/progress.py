"""Runs one long command with a label and its elapsed time; its output is shown only when it fails.

    python3 progress.py "Building the filter" -- cargo build ...
"""

import subprocess
import sys
import tempfile

import terminal


def main():
    label, dashes, *command = sys.argv[1:]
    if dashes != "--" or not command:
        raise SystemExit(__doc__)
    with tempfile.TemporaryFile() as output:
        try:
            with terminal.step(label) as ticker:
                process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
                try:
                    while True:
                        try:
                            status = process.wait(timeout=0.2)
                            break
                        except subprocess.TimeoutExpired:
                            ticker.tick()
                except BaseException:
                    process.terminate()
                    process.wait()
                    raise
                if status != 0:
                    raise ChildProcessError
        except FileNotFoundError:
            terminal.failed(f"`{command[0]}` is not installed, or not on PATH; the README lists what is needed")
            return 1
        except ChildProcessError:
            output.seek(0)
            lines = output.read().decode(errors="replace").splitlines()[-40:]
            terminal.failed(f"`{' '.join(command)}` ended with status {status}; its last lines:")
            terminal.block(lines)
            return status if 0 < status < 126 else 1
        except KeyboardInterrupt:
            return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
