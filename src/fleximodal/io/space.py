"""Room on the disk for a file that is filled in later, through a memory map."""

import os
from typing import BinaryIO


def reserve(file: BinaryIO, size: int) -> None:
    """Give an open file `size` bytes, with all of their blocks on the disk.

    A file that is only made longer takes no space before its pages are written. On a full disk
    such a write through a map kills the process (SIGBUS), with no message and with the file left
    behind; here the lack of space is an error.

    Raises
    ------
    OSError
        If there is no space (ENOSPC), or a quota is used up (EDQUOT).
    """
    if size:
        os.posix_fallocate(file.fileno(), 0, size)
