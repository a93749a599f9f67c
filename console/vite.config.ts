/** How the console is built: one entry, lazy pages, nothing inline, every file also compressed. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vite'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const SAMPLES = here('../tunesmith/assets/samples')
/** Where the server looks (`tunesmith/api/console.py`), and what the wheel carries. */
const OUT = here('../tunesmith/assets/console')
const SERVER = process.env.TUNESMITH_URL ?? 'http://127.0.0.1:8000'

function filesOf(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name)
    return statSync(path).isDirectory() ? filesOf(path) : [path]
  })
}

/** The package's sample sets, so that a browser can upload them like anybody's data. */
function samples(): Plugin {
  const found = filesOf(SAMPLES).filter((path) => path.endsWith('.jsonl'))
  return {
    name: 'samples',
    generateBundle() {
      for (const path of found) {
        this.emitFile({
          type: 'asset',
          fileName: `samples/${relative(SAMPLES, path)}`,
          source: readFileSync(path),
        })
      }
    },
    configureServer(server) {
      server.middlewares.use('/console/samples', (request, response, next) => {
        const path = found.find((one) => `/${relative(SAMPLES, one)}` === request.url)
        if (path) response.end(readFileSync(path))
        else next()
      })
    },
  }
}

/** `x.js.gz` beside `x.js`: the server sends it to whoever takes gzip, and compresses nothing itself. */
function compressed(): Plugin {
  let out = OUT
  return {
    name: 'compressed',
    apply: 'build',
    configResolved({ build }) {
      out = resolve(build.outDir)
    },
    closeBundle() {
      for (const path of filesOf(out)) {
        if (!path.endsWith('.gz')) writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }))
      }
    },
  }
}

export default defineConfig({
  base: '/console/',
  plugins: [react(), samples(), compressed()],
  resolve: { alias: { '@': here('./app') } },
  build: {
    outDir: OUT,
    emptyOutDir: true,
    target: 'es2023',
    sourcemap: false,
    assetsInlineLimit: 0, // nothing as data: URLs; scripts and styles come from this origin alone
    modulePreload: { polyfill: false },
    manifest: 'manifest.json',
  },
  server: { proxy: { '/v1': SERVER, '/openapi.json': SERVER, '/health': SERVER } },
  test: { include: ['test/unit/**/*.spec.ts'] },
} as Parameters<typeof defineConfig>[0])
