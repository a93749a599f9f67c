/** The pictures are no tests: they have a run of their own. */
import config from '../../playwright.config'

export default { ...config, testDir: '.', testMatch: 'shots.ts', timeout: 900_000 }
