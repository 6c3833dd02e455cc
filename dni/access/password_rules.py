"""Which passwords an account may have. Pure.

Length is what counts, so there are no rules about kinds of characters (NIST SP 800-63B-4, 3.1.1.2).
"""

import re

from dni.errors import InvalidField

LEAST, MOST = 12, 256

# What lists of leaked passwords have most, of twelve characters and more, and what people make of shorter ones.
# Compared without what is no letter or digit, in lower case.
_OFTEN = """
password1234 password12345 password123456 passwordpassword password2024 password2025 password2026 mypassword123
mypassword1234 passw0rd1234 passw0rd12345 thisismypassword changemenow1 changeme1234 changemeplease welcome12345
welcome123456 letmein12345 letmein123456 letmeinplease administrator administrator1 administrator123 admin1234567
admin12345678 adminadminadmin adminadmin123 qwertyuiop12 qwertyuiop123 qwertyuiop1234 qwertyuiopasdf qwertyqwerty
qwerty123456 qwerty1234567 qwerty12345678 asdfghjkl123 asdfghjkl1234 asdfghjklqwe zxcvbnm12345 1q2w3e4r5t6y
1q2w3e4r5t6y7u 1q2w3e4r5t6y7u8i 1qaz2wsx3edc 1qaz2wsx3edc4rfv qazwsxedcrfv qazwsxedc123 iloveyou1234 iloveyou12345
iloveyouforever iloveyousomuch sunshine1234 princess1234 football1234 baseball1234 superman1234 starwars1234
monkey123456 dragon123456 master123456 shadow123456 michael12345 jennifer1234 abcd12345678 abc123456789 abc1234567890
abcdefghijkl abcdefghijklm abcdefghijklmnop a1b2c3d4e5f6 a1234567890b aa1234567890 123456789abc 1234567890abc
1234567890ab 123456789012 1234567890123 12345678901234 123456789123 123456789123456 123456123456 123123123123
121212121212 987654321012 098765432109 112233445566 147258369147 147852369147 correcthorsebatterystaple trustno112345
whatever1234 computer1234 internet1234 google123456 facebook1234 samsung12345 liverpool1234 chelsea12345 arsenal12345
barcelona123 christmas2025 christmas2026 november2026 december2026 summer202620 callcallcall callcenter123
marketing123 marketing1234
"""
_COMMON = frozenset(_OFTEN.split())
_OTHER = re.compile(r"[\W_]+")


def check(password: str, email: str, name: str, path: str = "/password") -> None:
    """Raises InvalidField that says what to do."""
    if len(password) < LEAST:
        raise InvalidField(path, f"at least {LEAST} characters; several words are easy to keep in mind")
    if len(password) > MOST:
        raise InvalidField(path, f"at most {MOST} characters")
    if any(0xD800 <= ord(char) < 0xE000 for char in password):
        raise InvalidField(path, "no lone surrogates")
    bare = _OTHER.sub("", password.casefold())
    own = {_OTHER.sub("", text.casefold()) for text in (email, email.partition("@")[0], name)}
    if any(len(word) > 3 and word in bare and bare.replace(word, "", 1).strip("0123456789") == "" for word in own):
        raise InvalidField(path, "not the e-mail address or the name of the account")
    if bare in _COMMON or len(set(bare)) < 5:
        raise InvalidField(
            path, "this is among the first that are tried; take several words that do not belong together"
        )
