/** Measured, not told: run on a quiet machine. */
import config from '../../playwright.config'

export default { ...config, testDir: '.', testMatch: ['pan.ts', 'tokens.ts', 'typing.ts'], timeout: 300_000 }
