import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Certificates are made by openssl; where there is none, what needs them cannot be tested. */
export const canMakeCertificates = spawnSync('openssl', ['version']).status === 0

export interface Authority {
  /** Path of its certificate, as `tlsCAFile` takes it. */
  readonly caFile: string
  /** A key and a certificate of this authority, for names such as `IP:127.0.0.1`. PEM. */
  issue(names: readonly string[]): { readonly key: string; readonly certificate: string }
  remove(): void
}

/** A certificate authority of a day, in a folder of its own. */
export function makeAuthority(): Authority {
  const folder = mkdtempSync(join(tmpdir(), 'esdb-ca-'))
  const run = (...args: readonly string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' })
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  run('req', '-x509', ...newKey, '-days', '1', '-subj', '/CN=an authority', '-keyout', 'ca.key', '-out', 'ca.crt')
  let issued = 0
  return {
    caFile: join(folder, 'ca.crt'),
    issue: (names) => {
      const name = `node${issued++}`
      const [request, certificate, key] = [`${name}.csr`, `${name}.crt`, `${name}.key`]
      writeFileSync(join(folder, `${name}.cnf`), `subjectAltName=${names.join(',')}`)
      run('req', ...newKey, '-subj', '/CN=eventstoredb-node', '-keyout', key, '-out', request)
      const by = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', `${name}.cnf`]
      run('x509', '-req', '-in', request, '-days', '1', ...by, '-out', certificate)
      const read = (file: string) => readFileSync(join(folder, file), 'utf8')
      return { key: read(key), certificate: read(certificate) }
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
