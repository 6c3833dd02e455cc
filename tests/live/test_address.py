import pytest

from dni.errors import UsageError
from dni.live.address import Address, Tls, parse

GOOD = [
    ("redis://h", Address("server", (("h", 6379),))),
    ("redis://localhost:7000/2", Address("server", (("localhost", 7000),), database=2)),
    ("redis://h/?db=3&wait=1", Address("server", (("h", 6379),), database=3, replicas=1)),
    ("redis://:p%40ss%2F%3A@h", Address("server", (("h", 6379),), ("p@ss/:",))),
    ("redis://user:pass@h:1", Address("server", (("h", 1),), ("user", "pass"))),
    ("redis://[::1]:6380", Address("server", (("::1", 6380),))),
    ("redis://[::1]", Address("server", (("::1", 6379),))),
    ("rediss://h", Address("server", (("h", 6379),), tls=Tls())),
    (
        "rediss://h?ssl_ca_certs=/a%20b.pem&ssl_certfile=/c.pem&ssl_keyfile=/k.pem&ssl_check_hostname=false",
        Address("server", (("h", 6379),), tls=Tls("/a b.pem", "/c.pem", "/k.pem", check_hostname=False)),
    ),
    ("unix:///run/valkey.sock", Address("server", (("/run/valkey.sock", 0),))),
    ("unix://:secret@/run/a%20b?db=4", Address("server", (("/run/a b", 0),), ("secret",), 4)),
    ("redis+sentinel://a,b:1/main", Address("sentinel", (("a", 26379), ("b", 1)), service="main")),
    (
        "redis+sentinel://u:p@a/main/5?ssl=true&sentinel_password=s&wait=2",
        Address("sentinel", (("a", 26379),), ("u", "p"), 5, Tls(), "main", ("s",), 2),
    ),
    (
        "redis+sentinel://a/main?sentinel_username=u&sentinel_password=s",
        Address("sentinel", (("a", 26379),), service="main", sentinel_auth=("u", "s")),
    ),
    ("redis+cluster://a:1,b:2,c", Address("cluster", (("a", 1), ("b", 2), ("c", 6379)))),
    (
        "redis+cluster://:p@a?ssl=true&ssl_ca_certs=/ca.pem",
        Address("cluster", (("a", 6379),), ("p",), tls=Tls("/ca.pem")),
    ),
]

BAD = [
    ("http://h", r"redis://, rediss://, unix://, redis\+sentinel://, redis\+cluster://$"),
    ("", "begins with"),
    ("redis://", "host is missing"),
    ("redis://h:0", "port"),
    ("redis://h:x", "port"),
    ("redis://h:70000", "port"),
    ("redis://h/main", "database"),
    ("redis://h/-1", "database"),
    ("redis://h/1?db=2", "one database"),
    ("redis://h/1/2", "one database"),
    ("redis://a,b", "names one server"),
    ("redis://secret@h", "before the @"),
    ("redis://user:@h", "before the @"),
    ("redis://:pass/word@h", "%2F"),
    ("redis://:1?word@h", "%3F"),
    ("redis://h?timeout=3", "no option timeout"),
    ("redis://h?ssl_ca_certs=/x", "rediss://"),
    ("redis://h?ssl=true", "rediss://"),
    ("redis://h?db=", "empty"),
    ("redis://h?wait=10", "wait"),
    ("redis://h?wait=yes", "wait"),
    ("rediss://h?ssl_keyfile=/x", "ssl_certfile"),
    ("rediss://h?ssl_check_hostname=maybe", "true or false"),
    ("redis://" + "a" * 70, "host name"),
    ("unix://", "absolute path"),
    ("unix://relative/path", "absolute path"),
    ("unix:///path?ssl=true", "no option ssl"),
    ("redis+sentinel://a:1", "ends with the name"),
    ("redis+sentinel:///main", "host is missing"),
    ("redis+sentinel://a,,b/main", "host is missing"),
    ("redis+sentinel://a/main/x", "database"),
    ("redis+sentinel://a/main?sentinel_username=u", "sentinel_password"),
    ("redis+cluster://a/1", "no database"),
    ("redis+cluster://a?db=1", "no database"),
    ("redis+cluster://a?ssl=yes", "true or false"),
    ("redis+cluster://a?ssl_ca_certs=/x", "ssl=true"),
    ("redis+cluster://a?sentinel_password=x", "no option sentinel_password"),
]


@pytest.mark.parametrize(("url", "meant"), GOOD)
def test_every_form_is_read(url: str, meant: Address) -> None:
    assert parse(url) == meant


@pytest.mark.parametrize(("url", "why"), BAD)
def test_a_bad_url_says_what_would_be_right(url: str, why: str) -> None:
    with pytest.raises(UsageError, match=why) as refusal:
        parse(url)
    assert refusal.value.detail.startswith("DNI_REDIS_URL: ")


def test_a_refusal_never_repeats_a_password() -> None:
    for url in ("redis://u:hush@h:x", "redis://:hush@a,b", "redis://hush@h", "redis://:hush/x@h", "redis://h:1?hush@h"):
        with pytest.raises(UsageError) as refusal:
            parse(url)
        assert "hush" not in refusal.value.detail
