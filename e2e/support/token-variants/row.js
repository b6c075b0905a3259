// What a row of the table says: a name, how the token is made, and what must become of it.

/** A token that everybody accepts. */
export const good = (name, make) => ({ name, make, expected: 'accepted' });

/** A token that we refuse, and at least one of the libraries too. */
export const bad = (name, make) => ({ name, make, expected: 'refused' });

/** A token that we alone refuse: by which rule, and where that stands. */
export const alone = (name, rule, section, make) => ({ name, make, expected: 'refused by us alone', rule, section });
