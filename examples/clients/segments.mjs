// Segments over HTTP, with nothing but JavaScript (Node 18 or newer, or a browser): one customer, many, a listing, all.
//
//   node examples/clients/segments.mjs CUST0000001
//
// The server is $SEGMENTS_URL (default http://127.0.0.1:8000), the key $SEGMENTS_KEY, where one is asked for.

const TRIES = 5;
// Busy, asked too often, restarting behind a load balancer: the same request will do in a moment.
const AGAIN = [429, 502, 503, 504];
// Ids that no address can hold: those of routes, and what addresses have for "here" and "above".
const NO_ADDRESS = ["", ".", "..", "stats", "movements"];

export class Segments {
  #known = new Map();

  constructor(url, key = "") {
    this.url = url.replace(/\/+$/, "");
    this.headers = key ? { Authorization: `Bearer ${key}` } : {};
  }

  // A customer's segments, null where there is no such customer. What came before is not sent again while it is what the
  // server would say (ETag, If-None-Match).
  async one(customerId) {
    if (NO_ADDRESS.includes(customerId)) return (await this.many([customerId])).customers[0] ?? null;
    const address = `/segments/${encodeURIComponent(customerId)}`;
    const known = this.#known.get(address);
    const answer = await this.#ask(address, { headers: known ? { "If-None-Match": known.tag } : {} });
    if (answer.status === 304) return known.found;
    if (answer.status === 404) return null;
    const found = await answer.json();
    this.#known.set(address, { tag: answer.headers.get("ETag"), found });
    return found;
  }

  // Up to 1,000 customers at once: `customers`, and the ids that are `missing`.
  async many(ids) {
    const body = JSON.stringify({ customer_ids: ids });
    const answer = await this.#ask("/segments/lookup", { method: "POST", headers: { "Content-Type": "application/json" }, body });
    return answer.json();
  }

  // All customers with these labels, page by page; all pages are of one version.
  async *listed(labels, limit = 1000) {
    let cursor = null;
    do {
      const asked = new URLSearchParams({ ...labels, limit, ...(cursor ? { cursor } : {}) });
      const page = await (await this.#ask(`/segments?${asked}`)).json();
      yield* page.customers;
      cursor = page.next_cursor;
    } while (cursor !== null);
  }

  // The same as one stream, a line a customer: for those who want everybody.
  async *all(labels = {}) {
    const answer = await this.#ask(`/segments?${new URLSearchParams(labels)}`, { headers: { Accept: "application/x-ndjson" } });
    let rest = "";
    for await (const text of answer.body.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop();
      for (const line of lines) yield JSON.parse(line);
    }
  }

  async #ask(address, options = {}) {
    const headers = { ...this.headers, ...options.headers };
    for (let left = TRIES - 1; ; left--) {
      // The time is for the answer to begin; a stream takes as long as it takes.
      const waiting = new AbortController();
      const late = setTimeout(() => waiting.abort(), 30_000);
      const answer = await fetch(this.url + address, { ...options, headers, signal: waiting.signal });
      clearTimeout(late);
      if (answer.ok || answer.status === 304 || answer.status === 404) return answer;
      if (!AGAIN.includes(answer.status) || left === 0) throw new Error(`${answer.status}: ${await answer.text()}`);
      await new Promise((done) => setTimeout(done, 1000 * Number(answer.headers.get("Retry-After") ?? 1)));
    }
  }
}

async function count(customers) {
  let number = 0;
  for await (const _ of customers) number++;
  return number;
}

const server = new Segments(process.env.SEGMENTS_URL ?? "http://127.0.0.1:8000", process.env.SEGMENTS_KEY);
const customer = process.argv[2];
for (let time = 0; time < 2; time++) console.log(JSON.stringify({ one: await server.one(customer) }));
const found = await server.many([customer, "nobody"]);
console.log(JSON.stringify({ many: found.customers.length, missing: found.missing }));
console.log(JSON.stringify({ listed: await count(server.listed({ purchase_frequency: "Loyal" }, 100)) }));
console.log(JSON.stringify({ all: await count(server.all()) }));
