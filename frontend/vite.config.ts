import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const platform = process.env.HEATLOOP_PLATFORM ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: '../src/heatloop/web/static',
    emptyOutDir: true,
    manifest: true,
    chunkSizeWarningLimit: 900,
    rolldownOptions: {
      output: {
        codeSplitting: {
          // A few files instead of many: what every page needs, then each page's own.
          groups: [
            { name: 'vendor', test: /node_modules.(react|react-dom|scheduler|i18next|react-i18next|openapi-fetch)[\\/]/ },
            { name: 'core', test: /src.(base|api|live|parts(?!.ant-frame)|shell.(sound|alarm-place)|i18n)/ },
          ],
        },
      },
    },
  },
  server: { proxy: { '/api': { target: platform, ws: true } } },
});
