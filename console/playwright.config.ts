/** The stories: told in Debian's Chromium against a real server, whose address and key the environment gives. */
import { existsSync } from 'node:fs'
import { defineConfig } from '@playwright/test'

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium'

export default defineConfig({
  testDir: 'test/stories',
  outputDir: process.env.STORIES_OUT ?? 'test-results',
  workers: 1, // one server, one device: stories take their turns
  // the patience of a machine that does other things too: what is waited for is what people see, not how soon
  timeout: 600_000,
  expect: { timeout: 60_000 },
  reporter: [['list']],
  use: {
    baseURL: process.env.TUNESMITH_URL ?? 'http://127.0.0.1:8000',
    viewport: { width: 1280, height: 900 },
    locale: 'en-GB',
    timezoneId: 'UTC',
    launchOptions: {
      ...(existsSync(CHROMIUM) ? { executablePath: CHROMIUM } : {}),
      args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
    },
  },
})
