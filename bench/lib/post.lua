-- wrk: POST the body of the file in RINGWIRE_BENCH_BODY, with the header fields of MCP 2026-07-28; print one JSON object.
local file = io.open(os.getenv("RINGWIRE_BENCH_BODY"), "rb")
wrk.method = "POST"
wrk.body = file:read("*a")
file:close()
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Accept"] = "application/json, text/event-stream"
wrk.headers["MCP-Protocol-Version"] = "2026-07-28"
wrk.headers["Mcp-Method"] = "tools/call"
wrk.headers["Mcp-Name"] = "echo"

done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '{"rate":%.1f,"p50us":%d,"p99us":%d,"errors":%d}\n',
    summary.requests / (summary.duration / 1e6),
    latency:percentile(50),
    latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
