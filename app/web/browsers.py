"""What a User-Agent says in words that people know: "Firefox on Android"; what is not known is left as it is.

Everybody can claim anything there, so this is for recognising one's own devices only (RFC 9110 §10.1.5).
"""

from __future__ import annotations

# The first that is found counts: most browsers name others, too, to be taken for them.
_BROWSERS = (
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("HeadlessChrome/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("CrOS", "Chromebook"),
    ("Linux", "Linux"),
    ("OpenBSD", "OpenBSD"),
    ("FreeBSD", "FreeBSD"),
)


def browser_words(user_agent: str) -> str:
    """Browser and system; all of the text when it is not the one of a browser that is known."""
    if not user_agent.startswith("Mozilla/5.0 ("):
        return user_agent
    browser = next((words for mark, words in _BROWSERS if mark in user_agent), "")
    system = next((words for mark, words in _SYSTEMS if mark in user_agent), "")
    return f"{browser} on {system}" if browser and system else user_agent
