-- For bench.outlive: every answer must be 200 and the one page, byte for byte. Arguments: the file that holds it.
local threads = {}
function setup(thread) table.insert(threads, thread) end
function init(arguments)
  local file = assert(io.open(arguments[1], "rb"))
  expected, good, bad = file:read("*a"), 0, 0
  file:close()
end
function response(status, headers, body)
  if status == 200 and body == expected then good = good + 1 else bad = bad + 1 end
end
function done()
  local good, bad = 0, 0
  for _, thread in ipairs(threads) do good, bad = good + thread:get("good"), bad + thread:get("bad") end
  io.write(string.format("good %d bad %d\n", good, bad))
end
