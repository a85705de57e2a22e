"""Room for mail: disk and memory."""

from __future__ import annotations

from quickstart.checks.finding import Context, Finding, State, ok

GB = 1_000_000_000
LEAST_DISK, LITTLE_DISK = GB, 10 * GB
LITTLE_MEMORY = 512_000_000


async def check_disk(context: Context) -> Finding:
    """Under 1 GB stops the set-up, under 10 GB warns."""
    directory = context.question.directory
    free = context.machine.free_bytes(directory)
    if free is None:
        return Finding(
            state=State.UNKNOWN,
            summary="The room on the disk could not be found out.",
            meaning=f"The system does not tell for {directory}.",
            breaks="On a full disk no mail is taken in; senders try again for some days.",
            fix="Look with: df -h .",
        )
    if free >= LITTLE_DISK:
        return ok(f"{_gb(free)} free.")
    return Finding(
        state=State.BAD if free < LEAST_DISK else State.WARN,
        summary=f"Only {_gb(free)} free.",
        meaning=f"That is the room on the disk of {directory}, where all mail will be.",
        breaks="It is too little to begin with: the first large messages would fill it."
        if free < LEAST_DISK
        else "It is enough to begin with. On a full disk no mail is taken in; senders try again for some days.",
        fix="Make room or take a larger disk; see what is large with: du -xh / | sort -h | tail -30. Or set up in a "
        "directory on another disk.",
        blocks=free < LEAST_DISK,
    )


async def check_memory(context: Context) -> Finding:
    """Under 512 MB warns."""
    total = context.machine.memory_bytes()
    if total is None:
        return Finding(
            state=State.UNKNOWN,
            summary="The memory could not be found out.",
            meaning="The system does not tell.",
            breaks="With less than 512 MB the server can be killed under load.",
            fix="Look with: free -m",
        )
    if total >= LITTLE_MEMORY:
        return ok(f"{total / GB:.1f} GB." if total >= GB else f"{total / 1e6:.0f} MB.")
    return Finding(
        state=State.WARN,
        summary=f"Only {total / 1e6:.0f} MB.",
        meaning="A mail server with a few users fits, with little to spare.",
        breaks="Under load the system may kill the server; no mail is lost, but it stands still for a moment.",
        fix="Add swap, as root: fallocate -l 1G /swapfile && chmod 600 /swapfile && mkswap /swapfile && swapon "
        "/swapfile, and a line “/swapfile none swap sw 0 0” in /etc/fstab. Or take a larger machine.",
    )


def _gb(size: int) -> str:
    return f"{size / GB:.1f} GB" if size < 100 * GB else f"{size / GB:.0f} GB"
