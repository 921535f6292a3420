// A Bluesky server (PDS) and the directory of identities (PLC) that it needs, both in a folder that is thrown away.
// node serve.mjs FOLDER-OF-PACKAGES PORT JWT-SECRET ADDRESS-OF-THE-APP: says "ready" when it is, and ends with its standard input.
import fs from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'

const [packages, port, jwtSecret, appView] = process.argv.slice(2)
const require = createRequire(path.join(packages, 'package.json'))
const { PDS, envToCfg, envToSecrets } = require('@atproto/pds')
const { Secp256k1Keypair } = require('@atproto/crypto')
const { MockDatabase, PlcServer } = require('@did-plc/server')

const directory = await PlcServer.create({ db: new MockDatabase() }).start()
const data = fs.mkdtempSync(path.join(os.tmpdir(), 'pds-'))
process.on('exit', () => fs.rmSync(data, { recursive: true, force: true }))
process.stdin.resume().on('end', () => process.exit())

const rotation = await (await Secp256k1Keypair.create({ exportable: true })).export()
const environment = {
  devMode: true,
  hostname: 'localhost',
  port: Number(port),
  dataDirectory: data,
  blobstoreDiskLocation: path.join(data, 'blobs'),
  didPlcUrl: `http://localhost:${directory.address().port}`,
  disableSsrfProtection: true, // the directory is on this machine
  serviceHandleDomains: ['.test'],
  enableDidDocWithSession: true,
  inviteRequired: false,
  rateLimitsEnabled: true,
  adminPassword: 'admin',
  jwtSecret,
  bskyAppViewUrl: appView, // what it is asked of other accounts it passes on there
  bskyAppViewDid: 'did:web:app.example',
  plcRotationKeyK256PrivateKeyHex: Buffer.from(rotation).toString('hex'),
}
const pds = await PDS.create(envToCfg(environment), envToSecrets(environment))
await pds.start()
console.log('ready')
