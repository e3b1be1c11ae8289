const inputs = new URLSearchParams(location.hash.slice(1));

/** What the address of the page says; "" when it says nothing about it. */
export function input(name: string): string {
  return inputs.get(name) ?? "";
}

/** What the report that a page triggers is to be like. */
export function reportInput(): { steps: number; everyMs: number; endFile?: string } {
  const endFile = input("endFile");
  const length = { steps: Number(input("steps")), everyMs: Number(input("everyMs")) };
  return endFile === "" ? length : { ...length, endFile };
}
