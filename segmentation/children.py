"""Processes that end with the one that started them."""

from __future__ import annotations

import os
import signal
import threading
import time


def outlive_nobody(parent: int) -> None:
    """End when the parent ends, however it does; what a terminal sends to all is the parent's to answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()
