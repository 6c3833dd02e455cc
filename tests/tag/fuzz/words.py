"""What the fuzz writes into pages: ways to write a target with what must stand there instead, and what must stay."""

NUMBER, NATIONAL = "+12125550187", "(212) 555-0187"
"""Shown by the first tag."""

OTHER_NUMBER = "+442079460987"
"""Shown by the second tag: of its target's country, so digit for digit, trunk zero and all."""

AMERICAN, GERMAN, VANITY, BRITISH = "+14155550100", "+493023125123", "+18003569377", "+442079460123"
TAGS = {NUMBER: [AMERICAN, GERMAN, VANITY], OTHER_NUMBER: [BRITISH]}

_FORMATS = (
    "415-555-0100",
    "(415) 555-0100",
    "+1 415 555 0100",
    "1 (415) 555.0100",
    "4155550100",
    "+14155550100",
    "(+1) 415 555-0100",
    "001 415 555 0100",
    "415\u00a0555\u20110100",
    "415 \n  555/0100",
    "( 415 ) 555 - 0100",
)
SHOWN = {
    **{written: written.replace("415", "212").replace("0100", "0187") for written in _FORMATS},
    "020 7946 0123": "020 7946 0987",
    "+44 (0)20 7946 0123": "+44 (0)20 7946 0987",
    "030/23125-123": NATIONAL,
    "+49 30 23125 123": NUMBER,
    "1-800-FLOWERS": "1-212-555-0187",
    "(800) 356-9377": "(212) 555-0187",
}
"""Standing alone, each must be shown so."""

STAYS = (
    "415-555-0177",
    "$4155550100",
    "4155550100.50",
    "41555501009",
    "94155550100",
    "SKU4155550100",
    "+52 415 555 0100",
    "415.555.0100.7",
    "202.55.50.100",
    "2024-05-20",
    "4111 4155 5501 00",
    "4155550100@example.com",
    "https://example.com/p/4155550100",
    "800 flowers",
    "call",
    "",
)
"""Standing alone, each must stay."""

CRUMBS = (
    *(
        "415",
        "555",
        "0100",
        "5550100",
        "4155550100",
        "+1",
        "1",
        "001",
        "0",
        "9",
        "7",
        "(",
        ")",
        "-",
        " ",
        "  ",
        ".",
        "/",
    ),
    *(
        "+",
        ",",
        "$",
        "\u20ac",
        "%",
        "\n",
        "\u00a0",
        "\u2011",
        "\u200b",
        "@",
        "#",
        "x12",
        "ext",
        "a",
        "SKU",
        "EUR",
        "\u00e9",
    ),
    *("44", "20", "7946", "0123", "+44", "(0)", "49", "30", "23125", "123", "+49", "\U0001f4de", ";", ":"),
)
"""Put together they may write a target, nearly or by chance."""

LINKS = {
    "tel:+14155550100": f"tel:{NUMBER}",
    "tel:(415)%20555-0100": f"tel:{NUMBER}",
    "TEL:4155550100;ext=5": f"TEL:{NUMBER};ext=5",
    "sms:+1-415-555-0100?body=Hi": f"sms:{NUMBER}?body=Hi",
    "tel:+442079460123": f"tel:{OTHER_NUMBER}",
    "tel:+493023125123": f"tel:{NUMBER}",
    "https://wa.me/14155550100?text=Hi": f"https://wa.me/{NUMBER[1:]}?text=Hi",
    "tel:+14155550177": "tel:+14155550177",
    "tel:41555501009": "tel:41555501009",
    "https://example.com/4155550100": "https://example.com/4155550100",
    "#415-555-0100": "#415-555-0100",
}
