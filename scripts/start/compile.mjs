import { writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'

/**
 * Compiles `sources` of the checkout `root` into `outdir`: each file by itself, at the same place, so that what looks for
 * a neighbour of its own file finds it. Nothing is read again that is in `sources`: a checkout of another branch may
 * change the files meanwhile, and what comes out would be kept under the name of what went in.
 *
 * @param {string} root without links in it
 * @param {ReadonlyMap<string, Buffer>} sources
 * @param {string} outdir
 */
export const compile = async (root, sources, outdir) => {
  const esbuild = await import('esbuild')
  try {
    await esbuild.build({
      absWorkingDir: root,
      entryPoints: [...sources.keys()].filter((path) => path.endsWith('.ts')),
      outbase: root,
      outdir,
      format: 'esm',
      platform: 'node',
      target: 'node20.19',
      tsconfigRaw: sources.get('tsconfig.json').toString(),
      sourcemap: true,
      sourcesContent: false,
      logLevel: 'silent',
      // Only to be asked about imports and contents: nothing is put into one file.
      bundle: true,
      plugins: [
        { name: 'imports', setup: leaveImports },
        { name: 'contents', setup: takeContents(root, sources) },
      ],
    })
  } finally {
    await esbuild.stop()
  }
  await writeFile(join(outdir, 'package.json'), sources.get('package.json'))
}

const leaveImports = (build) => {
  build.onResolve({ filter: /.*/ }, ({ kind, path }) => {
    if (kind === 'entry-point') return undefined
    return { path: path.startsWith('.') ? path.replace(/\.ts$/, '.js') : path, external: true }
  })
}

const takeContents = (root, sources) => (build) => {
  build.onLoad({ filter: /.*/ }, ({ path }) => {
    const contents = sources.get(relative(root, path))
    if (contents === undefined) throw new Error(`${path} is not among the sources`)
    return { contents, loader: 'ts' }
  })
}
