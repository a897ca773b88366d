// Looking up records of one run.

/** The one record that has all these field values. */
export const pick = (records, wanted) =>
  records.find((record) => Object.entries(wanted).every(([field, value]) => record[field] === value));

export const divide = (a, b) => (a === undefined || b === undefined ? undefined : a / b);
