#!/usr/bin/env bash
# Segments over HTTP, with curl: one customer, many, a listing, all of them. Needs jq, to take answers apart.
#
#   bash examples/clients/segments.sh CUST0000001
#
# The server is $SEGMENTS_URL (default http://127.0.0.1:8000), the key $SEGMENTS_KEY, where one is asked for.
set -euo pipefail

url=${SEGMENTS_URL:-http://127.0.0.1:8000}
customer=$1
kept=$(mktemp -d)
trap 'rm -rf "$kept"' EXIT

# What a process is told is seen by others on this machine, what is in a file is not.
touch "$kept/headers"
if [ -n "${SEGMENTS_KEY:-}" ]; then printf 'Authorization: Bearer %s\n' "$SEGMENTS_KEY" >"$kept/headers"; fi

# --retry tries again after 429, 502, 503 and 504, and waits as long as Retry-After says.
ask() { curl --silent --show-error --fail --retry 4 --header "@$kept/headers" "$@"; }

# One. Ids may hold anything, so they are encoded. The second answer is 304, without a body: nothing has changed.
id=$(jq -rn --arg id "$customer" '$id | @uri')
for _ in 1 2; do
  status=$(ask --etag-compare "$kept/etag" --etag-save "$kept/etag.new" --output "$kept/answer" --write-out '%{http_code}' "$url/segments/$id")
  if [ "$status" = 200 ]; then mv "$kept/answer" "$kept/one" && mv "$kept/etag.new" "$kept/etag"; fi
  jq -c --argjson status "$status" '{one: ., status: $status}' "$kept/one"
done

# Many at once, up to 1,000.
jq -n --arg id "$customer" '{customer_ids: [$id, "nobody"]}' |
  ask --header 'Content-Type: application/json' --data @- "$url/segments/lookup" |
  jq -c '{many: (.customers | length), missing}'

# A listing, page by page; all pages are of one version.
listed=0 cursor=
while :; do
  ask --get "$url/segments" --data limit=100 --data-urlencode purchase_frequency=Loyal ${cursor:+--data-urlencode "cursor=$cursor"} >"$kept/page"
  listed=$((listed + $(jq '.customers | length' "$kept/page")))
  cursor=$(jq -r '.next_cursor // empty' "$kept/page")
  [ -n "$cursor" ] || break
done
echo "{\"listed\":$listed}"

# All as one stream, a line a customer.
ask --header 'Accept: application/x-ndjson' "$url/segments" | jq -cn '{all: (reduce inputs as $_ (0; . + 1))}'
