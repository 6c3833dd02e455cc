// What every app shows: the business number as a page writes it and dials it. Properties, so that no compiler inlines them.
export const shop = { phone: "(415) 555-0100", area: "415", rest: "555-0100", href: "tel:+14155550100" };
