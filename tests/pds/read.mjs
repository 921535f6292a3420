// Reads posts as Bluesky's own client does: node read.mjs FOLDER-OF-PACKAGES, on standard input one JSON array of
// {server, did, name}, on standard output one of what it makes of each.
import { createRequire } from 'node:module'
import path from 'node:path'

const require = createRequire(path.join(process.argv[2], 'package.json'))
const { AppBskyFeedPost, AtpAgent, RichText } = require('@atproto/api')

let asked = ''
for await (const chunk of process.stdin) asked += chunk
const posts = await Promise.all(
  JSON.parse(asked).map(async ({ server, did, name }) => {
    const { uri, cid, value } = await new AtpAgent({ service: server }).app.bsky.feed.post.get({ repo: did, rkey: name })
    const detected = new RichText({ text: value.text })
    detected.detectFacetsWithoutResolution()
    return {
      uri,
      cid,
      value,
      valid: AppBskyFeedPost.validateRecord(value).success,
      graphemes: detected.graphemeLength,
      links: [...new RichText(value).segments()].filter((s) => s.isLink()).map((s) => [s.text, s.link.uri]),
      detected: [...detected.segments()].filter((s) => s.isLink()).map((s) => [s.text, s.link.uri]),
    }
  }),
)
console.log(JSON.stringify(posts))
