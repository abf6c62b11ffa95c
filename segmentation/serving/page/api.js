// What the server is asked, and what it says instead of an answer.

const KEY = "segmentation-key";
// The server takes addresses up to 16,384 bytes.
const LONGEST = 16000;
// What an address cannot say: browsers resolve dots, and these two are pages of their own.
const NO_ADDRESS = [".", "..", "stats", "movements", ""];

/** What the server refused, or that there is none (status 0). */
export class Refused extends Error {
  constructor(status, sentence) {
    super(sentence);
    this.status = status;
  }
}

export const key = {
  get: () => sessionStorage.getItem(KEY),
  set: (value) => sessionStorage.setItem(KEY, value),
  forget: () => sessionStorage.removeItem(KEY),
};

let leaving = new AbortController();

/** Whatever the page before still waits for is not wanted any more. */
export function leave() {
  leaving.abort();
  leaving = new AbortController();
}

/** An answer as JSON.
 * @throws {Refused} there is none.
 */
export async function get(address) {
  return answered(await sent(address, { signal: leaving.signal }));
}

/** How fresh what is served is; also where that is too old. */
export async function readiness() {
  const answer = await sent("readyz", {});
  return answer.status === 503 ? answer.json() : answered(answer);
}

/** The element of a customer, whatever the id.
 * @throws {Refused} there is no such customer, or no answer.
 */
export async function segment(id) {
  const name = inAddress(id);
  if (name !== null) return get(`segments/${name}`);
  const body = JSON.stringify({ customer_ids: [id] });
  const headers = { "Content-Type": "application/json" };
  const found = await answered(await sent("segments/lookup", { method: "POST", body, headers, signal: leaving.signal }));
  if (!found.customers.length) throw new Refused(404, "Customer not found");
  return found.customers[0];
}

/** What the tables know of a customer: metrics, history, explain. */
export async function ofCustomer(id, what) {
  const name = inAddress(id);
  if (name === null) throw new Refused(414, "This id cannot stand in an address, so only its labels are shown.");
  return get(`customers/${name}/${what}`);
}

function inAddress(id) {
  // Half a character is none.
  const name = NO_ADDRESS.includes(id) || !id.isWellFormed() ? null : encodeURIComponent(id);
  return name !== null && name.length <= LONGEST ? name : null;
}

async function sent(address, options) {
  const known = key.get();
  const headers = { Accept: "application/json", ...options.headers };
  if (known) headers.Authorization = `Bearer ${known}`;
  try {
    return await fetch(address, { ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, "The server cannot be reached.");
  }
}

async function answered(answer) {
  const told = await answer.json().catch(() => null);
  if (answer.ok && told) return told;
  throw new Refused(answer.status, told?.error ?? `The server answered ${answer.status}.`);
}
