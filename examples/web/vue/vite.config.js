import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'vite';

// In development the app and the server are one site, as they are later behind a proxy: so cookies work as they are.
const server = process.env.GATEWIT ?? 'http://127.0.0.1:8055';

export default defineConfig({
  plugins: [vue()],
  // Vite would bundle the package anew for development, and lose the module beside it.
  optimizeDeps: { exclude: ['gatewit'] },
  server: { host: '127.0.0.1', proxy: { '/auth': server, '/users': server } },
});
