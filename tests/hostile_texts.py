"""Texts that would do something were they not shown as text alone, and what is looked for in what is shown."""

import unicodedata

TEXTS = {  # what a label holds, and what is shown of it
    "forged line": ("V1\r\nverdict: reliable", "V1\\r\\nverdict: reliable"),
    "title of the window": ("\x1b]0;owned\x07a", "\\x1b]0;owned\\x07a"),
    "colour": ("\x1b[2J\x1b[31mred", "\\x1b[2J\\x1b[31mred"),
    "one-byte control": ("a\x9b31mb\x85c", "a\\x9b31mb\\x85c"),
    "erased": ("good\x08\x08\x08\x08bad\x7f", "good\\x08\\x08\\x08\\x08bad\\x7f"),
    "turned around": ("\u202egnp.exe\u202c \u2066x\u2069", "\\u202egnp.exe\\u202c \\u2066x\\u2069"),
    "lines of Unicode": ("a\u2028b\u2029c", "a\\u2028b\\u2029c"),
    "without width": ("V\u200b1\ufeff\u2060", "V\\u200b1\\ufeff\\u2060"),
    "markup of rich": ("[red]a[/] [/]", "[red]a[/] [/]"),
    "HTML": ("</script><script>alert(1)</script>", "</script><script>alert(1)</script>"),
    "SVG": (
        '"/><foreignObject onload="x"><a href="javascript:1">',
        '"/><foreignObject onload="x"><a href="javascript:1">',
    ),
    "formula": ("=cmd|' /C calc'!A0", "=cmd|' /C calc'!A0"),
    "formula after spaces": ("  @SUM(1)", "  @SUM(1)"),
    "apostrophe": ("'+1+1", "'+1+1"),
    "number": ("-5", "-5"),
    "missing": ("NA", "NA"),
    "null": ("null", "null"),
    "ordinary": ("naïve α 網 e\u0301 😀 ❤\ufe0f", "naïve α 網 e\u0301 😀 ❤\ufe0f"),
}


def hidden(text: str) -> list[str]:
    """Characters of `text` that act or hide, but for the ends of lines."""
    return [letter for letter in text if letter != "\n" and unicodedata.category(letter) in ("Cc", "Cf", "Zl", "Zp")]
