/** Which responses a strategy is for, by their body. */

/** Each field is a list of the values it may have, or a filter of what lies below it. */
export type BodyFilter = {
  readonly [field: string]: readonly (string | number | boolean | null)[] | BodyFilter;
};

/** A body that is not JSON matches nothing. The response can still be read by its caller. */
export async function matchesBody(response: Response, filter: BodyFilter): Promise<boolean> {
  try {
    return matches(await response.clone().json(), filter);
  } catch (error) {
    if (error instanceof UnsupportedFilterError) throw error;
    return false;
  }
}

class UnsupportedFilterError extends Error {
  override readonly name = "UnsupportedFilterError";
}

function matches(body: unknown, filter: BodyFilter): boolean {
  return Object.entries(filter).every(([field, wanted]) => {
    if (field.startsWith("$"))
      throw new UnsupportedFilterError(
        `retry.fetch: the filter "${field}" is not supported; list the values instead`,
      );
    const value = typeof body === "object" && body !== null ? Reflect.get(body, field) : undefined;
    if (!isList(wanted)) return matches(value, wanted);
    return wanted.some((each) => {
      if (typeof each === "object" && each !== null)
        throw new UnsupportedFilterError(
          `retry.fetch: the filter of "${field}" lists an object; list values instead`,
        );
      return each === value;
    });
  });
}

function isList(
  wanted: BodyFilter[string],
): wanted is readonly (string | number | boolean | null)[] {
  return Array.isArray(wanted);
}
