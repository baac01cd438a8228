"""A server of calls in a process of its own, which may die: it is started again, and the call counts as one that ended it."""

from __future__ import annotations

import contextlib
import io
import os
import pathlib
import select
import subprocess

from cases import form

SERVER = pathlib.Path(__file__).with_name("server.py")
PATIENCE = 10  # seconds for one call


class Peer:
    def __init__(self, python, path=None):
        self.command = [str(python), str(SERVER)]
        self.environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **({"PYTHONPATH": path} if path else {})}
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=self.environment
        )
        self.rest = b""

    def stop(self):
        process, self.process = self.process, None
        if process:
            process.kill()
            process.wait()
            process.stdout.close()
            with contextlib.suppress(BrokenPipeError):  # what was not written yet
                process.stdin.close()

    def send(self, case):
        text = io.StringIO()
        form.write_case(text, form.Case(case.op, case.inputs, case.params, case.cotangents))
        if not self.process:
            self.start()
        with contextlib.suppress(BrokenPipeError):  # receive notices
            self.process.stdin.write(text.getvalue().encode())
            self.process.stdin.flush()

    def receive(self):
        """The answered case, or None where the process died or did not come back."""
        while not self.rest.endswith(b"\nend\n"):
            ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
            more = os.read(self.process.stdout.fileno(), 1 << 20) if ready else b""
            if not more:
                self.stop()
                return None
            self.rest += more
        text, self.rest = self.rest.decode(), b""
        return next(form.read_cases(text.splitlines()))

    def ask(self, case):
        self.send(case)
        return self.receive()
