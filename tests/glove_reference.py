"""The rules of the tokenizer "glove" as regular expressions, a run of characters at a time: slow, on its own."""

from __future__ import annotations

import re

REPLACED = {
    **dict.fromkeys("\u2018\u2019\u201a\u201b", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f", '"'),
    **dict.fromkeys("\u2010\u2011", "-"),
    **dict.fromkeys("\u2012\u2013\u2014\u2015", "--"),
    "\u2026": "...",
}
SYMBOL = re.compile(
    "([\xa1-\xa9\xab\xac\xae-\xb1\xb4\xb6-\xb8\xbb\xbf\xd7\xf7\u2016\u2017\u2020-\u2025\u2027\u2030-\u205e\u20a0-\u20cf"
    "\u2122\u2212\u3001-\u3003\u3008-\u3011\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65])"
)
ABBREVIATION = re.compile(
    "adm|al|apr|assn|aug|ave|blvd|bros|calif|capt|cmdr|co|col|conn|corp|cpl|dec|dept|dr|drs|esq|etc|feb|fla|ft|gen|gov|"
    "inc|jan|jr|jul|jun|lt|ltd|maj|mar|messrs|mr|mrs|ms|mt|nov|oct|okla|prof|pvt|rd|rep|reps|rev|sen|sens|sep|sept|sgt|"
    "sr|st|tenn|univ|viz|vs"
)
BEFORE_NUMBERS = {"fig", "no", "nos", "pp", "vol"}

LETTER = r"""[^ !"#$%&'()*+,\-./:;<=>?@\[\\\]^`{|}~]"""  # or a digit
PLAIN = rf"{LETTER}+(?:(?:[.'-]|(?<=[0-9])[,:](?=[0-9])){LETTER}+)*"
WORD = re.compile(rf"{PLAIN}|\.(?=[0-9]){PLAIN}", re.DOTALL)
FIRST_WORD = re.compile(rf"\.?{PLAIN}", re.DOTALL)
HYPHENED = re.compile(rf"-{PLAIN}", re.DOTALL)
OTHER = re.compile(
    rf"\.{{2,}}|-{{2,}}|''|``|'(?:d|ll|m|re|s|ve|cause|em|n|t|til|tis|twas|[0-9]{{2}}s?)(?!{LETTER})|.", re.DOTALL
)
ACRONYM = re.compile(r"(.*\.)?[a-z]", re.DOTALL)
CLITIC = re.compile(rf"(.*{LETTER})(n't)|(.+)('(?:d|ll|m|re|s|ve))", re.DOTALL)


def normalised(text):
    """What all the tokens of a text spell, but for the white space, and that runs of dots and of hyphens shrink."""
    replaced = "".join(REPLACED.get(character, character) for character in text.lower())
    return SYMBOL.sub(r" \1 ", replaced)


def tokens_of(text):
    runs = normalised(text).split()
    return [token for run, behind in zip(runs, [*runs, ""][1:], strict=True) for token in run_tokens(run, behind)]


def run_tokens(run, behind):
    """The tokens of a run of characters between white space; `behind` is the next run."""
    tokens, at = [], 0
    while at < len(run):
        match = (WORD if at else FIRST_WORD).match(run, at)
        if match:
            word = whole_word(run, at, match.end(), behind)
            tokens += split_clitics(word)
            at += len(word)
        else:
            token = OTHER.match(run, at).group()
            tokens.append({"..": "...", "--": "--"}.get(token[:2], token))
            at += len(token)
    return tokens


def whole_word(run, begin, end, behind):
    """Add the dot behind an abbreviation, and what a hyphen joins to that, until neither is there."""
    while run[end : end + 1] == "." != run[end + 1 : end + 2] and keeps_dot(run[begin:end], run[end + 1 :] or behind):
        end += 1
        joined = HYPHENED.match(run, end)
        if not joined:
            break
        end = joined.end()
    return run[begin:end]


def keeps_dot(word, behind):
    if word in BEFORE_NUMBERS:
        return behind[:1] in set("0123456789")
    return any(pattern.fullmatch(word) for pattern in (ABBREVIATION, ACRONYM))


def split_clitics(word):
    match = CLITIC.fullmatch(word)
    if not match:
        return [word]
    rest, clitic = match.groups()[:2] if match.group(2) else match.groups()[2:]
    return [*split_clitics(rest), clitic]
