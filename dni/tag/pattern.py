"""How a page may write a target, as the source of a JavaScript regular expression. Pure.

The expression finds the number alone; what may stand before and after it is the tag's affair.
"""

import phonenumbers

# Between two groups: white space (also nbsp, thin spaces, and the line break and indent of an HTML source), dots,
# slashes, brackets, bullets, soft hyphens, zero-width characters and every dash there is. Not counted: a browser would
# unroll the count, and take long to compile it.
_MARKS = r"-./()\[\]\u00ad\u00b7\u2010-\u2015\u2022\u2219\u200b-\u200d\u2060\u2212\ufe63\uff08\uff09\uff0d"
_GAP = rf"[{_MARKS}\s]*"
_OPEN = r"[(\[\uff08]?"

# Four groups with dots are an address of the internet.
_ADDRESS = r"(?!\d{1,3}(?:\.\d{1,3}){3}(?![.\d]))"

_KEYPAD = {"2": "ABC", "3": "DEF", "4": "GHI", "5": "JKL", "6": "MNO", "7": "PQRS", "8": "TUV", "9": "WXYZ"}


def pattern(e164: str) -> tuple[str, str]:
    """Country code, and the expression for the usual ways to write `e164`: +1, 1-, 001, (+1), as at home.

    At home is with the trunk prefix where the country has one: without it, 199 001 234 is a French number of anything.
    North American numbers are grouped 3-3-4 only, or end in letters; others are grouped differently in every town, so a
    gap may stand between any two of their digits. Where it can be, the expression is one for any number of that country
    and length, so that a browser, which takes a while to read it, reads it once for all targets; what it finds is the
    target if it ends in the target's national digits. ValueError for what is no number of any country.
    """
    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException as error:
        raise ValueError(f"not an E.164 number: {e164!r}") from error
    country = str(number.country_code)
    digits = phonenumbers.national_significant_number(number)
    abroad = rf"[+(]{{0,2}}(?:(?:00|011)[\s-]?)?{country}{_GAP}"
    if country == "1":
        return country, _american(abroad, digits[:3], digits[3:])
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    at_home = phonenumbers.normalize_digits_only(written)
    trunk = at_home.removesuffix(digits)
    rest = _GAP.join(digits)
    ways = [f"{abroad}{rest}", f"{_OPEN}{_GAP.join(at_home)}"]
    if at_home != digits == at_home[len(trunk) :]:
        # Without a trunk prefix the same digits may begin at home or with the country's code: there each has its own.
        rest = rf"\d(?:{_GAP}\d){{{len(digits) - 1}}}"
        ways = [f"{abroad}(?:{_OPEN}{trunk}{_GAP})?{rest}", f"{_OPEN}{_GAP.join(trunk)}{_GAP}{rest}"]
    address = _ADDRESS if len(at_home) != 8 else ""  # Danish numbers are four groups of two
    return country, f"{address}(?:{'|'.join(ways)})"


def _american(abroad: str, area: str, last: str) -> str:
    """`last`: seven digits. Letters of the keypad are for numbers whose last four digits can spell something.

    In any case after a dash, dot or parenthesis; after white space only in capitals and with the 1 before: neither
    "over 800 flowers" nor "OVER 800 FLOWERS" is a number.
    """
    if not _KEYPAD.keys() >= set(last[3:]):
        return rf"(?:{abroad})?{_OPEN}\d{{3}}{_GAP}\d{{3}}{_GAP}\d{{4}}"
    grouped = f"{_GAP}{last[:3]}{_GAP}{last[3:]}"
    area = _OPEN + area
    between, end = r"[-.\u2010-\u2015\s]?", r"(?![\w@]|\.\w)"
    capitals = between.join(f"[{digit}{_KEYPAD.get(digit, '')}]" for digit in last)
    any_case = between.join(f"[{digit}{_KEYPAD.get(digit, '')}{_KEYPAD.get(digit, '').lower()}]" for digit in last)
    marked = rf"(?=[-.)\u2010-\u2015])[-.)\u2010-\u2015\s]{{1,3}}{any_case}{end}"
    return rf"(?:{abroad})?{area}(?:{grouped}|{marked})|{abroad}{area}[\s)]{{0,3}}{capitals}{end}"
