-- For bench.agents: one POST after the other by signed-in people. Arguments: a file with a line of cookie and token for
-- each of them, the body with {key}, {n} and {of:N} in it, and the status of a success.
local threads = {}
function setup(thread)
  thread:set("seed", #threads + 1)
  table.insert(threads, thread)
end
local function key()
  return (string.gsub("xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx", "x", function() return string.format("%x", math.random(0, 15)) end))
end
function init(arguments)
  math.randomseed(os.time() * 10 + seed)
  people, body, wanted, n, good, bad = {}, arguments[2], tonumber(arguments[3]), 0, 0, 0
  for line in io.lines(arguments[1]) do
    local cookie, token = string.match(line, "^(%S+) (%S+)$")
    table.insert(people, {
      ["Cookie"] = "sessionid=" .. cookie .. "; csrftoken=" .. token,
      ["X-CSRFToken"] = token,
      ["HX-Request"] = "true",
      ["Content-Type"] = "application/x-www-form-urlencoded",
    })
  end
end
function request()
  n = n + 1
  local filled = string.gsub(body, "{key}", key())
  filled = string.gsub(filled, "{n}", tostring(n))
  filled = string.gsub(filled, "{of:(%d+)}", function(most) return tostring(math.random(1, tonumber(most))) end)
  return wrk.format("POST", nil, people[n % #people + 1], filled)
end
function response(status) if status == wanted then good = good + 1 else bad = bad + 1 end end
function done(summary, latency)
  local good, bad = 0, 0
  for _, thread in ipairs(threads) do good, bad = good + thread:get("good"), bad + thread:get("bad") end
  local lost = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.write(string.format("figures %d %d %d %.3f %d %d %d\n", good, bad, lost, summary.duration / 1e6,
    latency:percentile(50), latency:percentile(95), latency:percentile(99)))
end
