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
    "Usual": "The mean of the same weekday in the last four weeks, each until this time of day.",
    "On the phone now": "Calls that ring or are talked on. One that began more than four hours ago has ended, and we "
    "did not hear of it.",
}

OF_REPORT = ("Visits", "Calls", "Before", "Expected", "First time", "Answered", "Mean length", "Per 100 visits")
OF_OVERVIEW = ("Calls", "Visits", "Answered", "First time", "Usual", "On the phone now", "Before")


def meaning(names: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(name, MEANING[name]) for name in names]
