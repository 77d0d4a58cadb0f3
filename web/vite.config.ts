import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vite'
import { compress } from './build/compress.ts'
import { limitFirstLoad } from './build/limit-first-load.ts'

// biome-ignore lint/style/noDefaultExport: the form Vite asks for
export default defineConfig({
  plugins: [vue(), limitFirstLoad({ kilobytes: 250 }), compress()],
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    // The policy of the page takes no data: URLs.
    assetsInlineLimit: 0,
    license: { fileName: 'assets/licences.txt' },
    target: 'es2022',
    modulePreload: { polyfill: false },
  },
  // `npm exec -w web vite`: the API is the one that `npm start` serves.
  server: { proxy: { '/v1': 'http://localhost:3000' } },
})
