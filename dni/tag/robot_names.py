"""Robots whose name tells nothing to who does not know it: words of a user agent, in lower case, whole words only.

What calls itself bot, crawler, monitor, … or gives an address is known by that (`dni/tag/robots.py`): no entry needed.
No word that an app of people's could be called by: a person refused costs more than a robot let in.
"""

_BY_KIND = {
    "browsers that a program drives, pictures of pages": """
        browserless casperjs cypress flaresolverr geckodriver htmlunit jsdom miniature mshots phantomjs playwright
        printfriendly puppeteer rendertron slimerjs wkhtmltoimage wkhtmltopdf
    """,
    "measuring pages, asking whether they are up": """
        alertsite apica catchpoint checkly dareboost datadog debugbear dejaclick dmbrowser dynatrace freshping gtmetrix
        hotjar hyperping iplabel ktxn neustar nodeping pingdom pingdomtms ptst rigor ruxit site24x7 sitespeed speedcurve
        statuscake thousandeyes uptrends ylt
    """,
    "looking for weaknesses": """
        acunetix arachni assetnote burpcollaborator censys foregenix hardenize masscan metasploit nessus netcraft
        netsparker nikto nmap nuclei openvas probely qualys securityheaders shodan sqlmap sucuri tenable w3af whatweb
        wpscan zgrab
    """,
    "weighing pages for search and advertising": """
        adbeat admantx ahrefs brandverity builtwith comscore cxense datanyze dataprovider doubleverify genieo grapeshot
        integralads kimonolabs linktiger marketgoo mediapartners outbrain proximic ryte semrush serpstat silktide
        similarweb sistrix sitebulb siteimprove spyfu tineye wappalyzer webmoney
    """,
    "reading for others: previews, archives, language models": """
        anthropic cohere embedly facebookcatalog facebookexternalhit facebookplatform heritrix httrack iframely nutch
        omgili timpi wayback webzip
    """,
}

NAMES = frozenset(" ".join(_BY_KIND.values()).split())
