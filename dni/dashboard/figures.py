"""What the figures on pages mean, each said once. Pure."""

MEANING = {
    "Visits": "Visits that began in these days. “With number”: those that were shown a number of a pool.",
    "Calls": "Calls that rang in these days. A credit model shares each among the visits that led to it; rows sum to "
    "all calls. A call that is nobody's stands where nothing is known.",
    "Before": "Calls in as many days just before, and how far these days are above or below.",
    "Expected": "Where more than one visitor may have called, each counts by his probability. What is nobody's is in "
    "no row.",
    "First time": "Calls from telephones that never called this campaign before. Withheld numbers are none.",
    "Answered": "The share of calls that were connected.",
    "Mean length": "From first ring to end, of one call.",
    "Per 100 visits": "Calls for every hundred visits.",
    "Qualified": "Calls that count by their terms: a payout policy matched, for an advertiser a revenue policy.",
    "Payout": "What publishers are paid for these calls, as they are judged now. Rows sum to the total: of a call that "
    "is shared among visits each has whole cents.",
    "Revenue": "What advertisers pay for these calls, as they are judged now; it is shared as payout is.",
    "Margin": "Revenue less payout.",
    "Per qualified": "The payout of one qualified call.",
    "Usual": "The mean of the same weekday in the last four weeks, each until this time of day.",
    "On the phone now": "Calls that ring, hear a menu or are talked on. One that began more than four hours ago has "
    "ended, and we did not hear of it.",
}

WORDS = {
    "Campaign": "An advertiser's offer: where its calls go, in which time zone its days begin.",
    "Destination": "A phone that a campaign's calls may go to: a buyer, a shop, a call centre, with hours and caps.",
    "Routing": "The steps that a campaign's calls go through before a phone rings.",
    "Budget": "The most calls or money that a campaign, a publisher in it or a destination may use in a span of time.",
    "Account": "A person who signs in with an e-mail address and a password, in a role, within walls.",
    "Role": "What its holder may do: admin, marketer, advertiser or publisher.",
    "Walls": "The campaign or publisher that somebody is confined to: what is not of it does not exist for him.",
    "Log": "Who changed what, when, and what it was before.",
    "Publisher": "Whoever brings traffic: an affiliate, an agency, the advertiser itself.",
    "Tag": "A campaign placed with a publisher, on some pages: what the snippet names.",
    "Target number": "The number printed on the page, which the tag replaces.",
    "Tracking number": "A number that you own at a carrier: a pool's, or static, bound to one source.",
    "Pool": "Tracking numbers that visitors are shown in turn, each to one visitor at a time.",
    "Visit": "One visit of a browser; after 30 minutes without activity, or by a new paid click, another begins. The "
    "API says session.",
    "Touch": "How a visit came: source, medium, campaign name, keyword, content, channel, sub-ids, click ids, "
    "referrer, landing page.",
    "Source / medium": "Who sent the visitor, and in which way: google / cpc is a paid search at Google.",
    "Channel": "The group that source and medium belong to, by the rules of Google Analytics 4, and AI assistants.",
    "Sub-id": "One of five texts (sub1 to sub5) in a publisher's links that tell its own sources apart.",
    "Lease": "The time in which one tracking number is shown to one visit.",
    "Call": "One call that came in, from its first ring to its end.",
    "Credit model": "How a call is shared among the visits of the visitor who made it: all to the first or the last, "
    "or a part to each.",
    "Confidence": "How likely it is that this visit made the call. Of all calls with 80 %, four in five are right.",
    "First-time caller": "A telephone that never called this campaign before.",
    "Terms": "What a campaign's calls must be, and what they pay the publisher and cost the advertiser. A call keeps "
    "those that applied when it began.",
    "Policy": "A condition and an amount of one side of the terms. One policy matches: a bonus, or the base.",
    "Verdict": "What the terms say of a call: every policy with its terms, what was found and what was needed.",
    "Journal": "Every change of what a call pays, line by line. Lines are added, never changed.",
    "Statement": "What a publisher earned in a period that is closed. What is corrected later comes on the next one.",
    "Dispute": "A publisher's or an advertiser's objection to what a call pays or costs, with its reason; it is "
    "decided with a note.",
    "Integration": "Another system that is told of calls: a webhook, a network's postback, an ad platform, a CRM, a "
    "folder of files.",
    "Message": "Something that happened and is told to others, such as a call that qualified. Its id stays the same "
    "however often it is sent.",
    "Delivery": "One message for one integration, with every try to send it.",
}

OF_REPORT = ("Visits", "Calls", "Before", "Expected", "First time", "Answered", "Mean length", "Per 100 visits")
OF_OVERVIEW = ("Calls", "Visits", "Answered", "First time", "Usual", "On the phone now", "Before")
OF_MONEY = ("Qualified", "Payout", "Revenue")


def meaning(names: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(name, MEANING[name]) for name in names]
