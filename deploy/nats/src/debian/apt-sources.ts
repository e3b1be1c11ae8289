/** One source of packages from apt's configuration: what of it is needed to ask the same mirror for more. */
export type AptSource = {
  readonly uris: readonly string[];
  readonly suites: readonly string[];
  readonly components: readonly string[];
  /** As a deb822 field's value: keyring paths, fingerprints, or a whole key over several lines. */
  readonly signedBy?: string;
  /** `no` where the mirror is a snapshot of the past, whose dates have expired. */
  readonly checkValidUntil?: string;
};

/** Reads a `*.sources` file: stanzas of fields. Sources of source code and disabled ones are left out. */
export function parseDeb822Sources(text: string): readonly AptSource[] {
  return text
    .split(/\r?\n/)
    .filter((line) => !line.startsWith("#"))
    .join("\n")
    .split(/\n(?:[ \t]*\n)+/)
    .map(parseFields)
    .filter((fields) => words(fields.get("types")).includes("deb") && isEnabled(fields))
    .map((fields) => ({
      uris: words(fields.get("uris")),
      suites: words(fields.get("suites")),
      components: words(fields.get("components")),
      ...options(fields.get("signed-by"), fields.get("check-valid-until")),
    }));
}

/** Reads a `sources.list` or `*.list` file: one source a line, `deb [options] uri suite component…`. */
export function parseOneLineSources(text: string): readonly AptSource[] {
  return text.split(/\r?\n/).flatMap((line) => {
    const withoutComment = line.replace(/#.*$/, "").trim();
    const match = /^deb\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)(.*)$/.exec(withoutComment);
    if (match === null) return [];
    const [, optionText, uri = "", suite = "", components] = match;
    const settings = new Map(
      words(optionText).map((option) => {
        const equals = option.indexOf("=");
        return [option.slice(0, equals).toLowerCase(), option.slice(equals + 1)];
      }),
    );
    // Values separated by commas here are separated by blanks in a deb822 file.
    const signedBy = settings.get("signed-by")?.replaceAll(",", " ");
    return [
      {
        uris: [uri],
        suites: [suite],
        components: words(components),
        ...options(signedBy, settings.get("check-valid-until")),
      },
    ];
  });
}

const ROLLING_SUITES: readonly string[] = ["stable", "oldstable", "testing", "unstable", "sid"];

/**
 * The sources that are Debian's main archive, in the order of the configuration: they offer component
 * `main` of the suite this machine runs (`codename`) or of a suite named by its role. Security updates,
 * backports and other vendors' archives have suites of their own and do not match.
 */
export function mainArchives(
  sources: readonly AptSource[],
  codename: string | undefined,
): readonly AptSource[] {
  return sources.filter(
    ({ uris, suites, components }) =>
      components.includes("main") &&
      uris.some((uri) => !uri.startsWith("cdrom:")) &&
      suites.some((suite) => suite === codename || ROLLING_SUITES.includes(suite)),
  );
}

function parseFields(stanza: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  let name: string | undefined;
  for (const line of stanza.split("\n")) {
    if (/^[ \t]/.test(line)) {
      if (name !== undefined) fields.set(name, `${fields.get(name) ?? ""}\n${line}`);
      continue;
    }
    const colon = line.indexOf(":");
    if (colon === -1) continue;
    name = line.slice(0, colon).trim().toLowerCase();
    fields.set(name, line.slice(colon + 1).trim());
  }
  return fields;
}

function isEnabled(fields: ReadonlyMap<string, string>): boolean {
  return !["no", "false", "without", "off", "disable", "0"].includes(
    fields.get("enabled")?.toLowerCase() ?? "",
  );
}

function options(signedBy: string | undefined, checkValidUntil: string | undefined) {
  return {
    ...(signedBy ? { signedBy } : {}),
    ...(checkValidUntil ? { checkValidUntil } : {}),
  };
}

function words(text: string | undefined): readonly string[] {
  return (text ?? "").split(/\s+/).filter((word) => word !== "");
}
