/** The map of the console: each page by its path, loaded when it is first visited. */
import { createBrowserRouter, replace } from 'react-router'
import { currentKey } from '@/api/key'
import { Frame } from '@/frame/Frame'
import { NoSuchPage, PageFailed, Starting } from '@/frame/PageFailed'
import { holdFragment } from '@/lib/heldFragment'
import { BASENAME, paths } from '@/paths'

/** Without a key there is only the sign-in page; it leads back here, and is no step on the way Back. */
function needsKey({ request }: { request: Request }) {
  if (currentKey()) return null
  holdFragment()
  const { pathname, search } = new URL(request.url)
  const here = pathname.slice(BASENAME.length) + search
  return replace(paths.login(here === '/' || !here ? undefined : here))
}

/** Made once the key is known: its first act is to ask whether there is one. */
export const makeRouter = () =>
  createBrowserRouter(
    [
      {
        path: '/login',
        lazy: async () => ({ Component: (await import('@/pages/login/Login')).Login }),
        ErrorBoundary: PageFailed,
        HydrateFallback: Starting,
      },
      {
        path: '/',
        Component: Frame,
        loader: needsKey,
        ErrorBoundary: PageFailed,
        HydrateFallback: Starting,
        children: [
          {
            ErrorBoundary: PageFailed,
            children: [
              {
                index: true,
                lazy: async () => ({ Component: (await import('@/pages/overview/Overview')).Overview }),
              },
              {
                path: 'jobs',
                lazy: async () => ({ Component: (await import('@/pages/jobs/Jobs')).Jobs }),
                children: [
                  {
                    path: 'new',
                    lazy: async () => ({ Component: (await import('@/pages/create/Create')).Create }),
                  },
                ],
              },
              { path: 'jobs/:id', lazy: async () => ({ Component: (await import('@/pages/job/Job')).Job }) },
              {
                path: 'datasets',
                lazy: async () => ({ Component: (await import('@/pages/datasets/Datasets')).Datasets }),
              },
              {
                path: 'datasets/:id',
                lazy: async () => ({ Component: (await import('@/pages/datasets/Dataset')).Dataset }),
              },
              {
                path: 'datasets/draft/:name',
                lazy: async () => ({ Component: (await import('@/pages/drafts/Draft')).Draft }),
              },
              {
                path: 'models',
                lazy: async () => ({ Component: (await import('@/pages/models/Models')).Models }),
              },
              {
                path: 'models/:name',
                lazy: async () => ({ Component: (await import('@/pages/models/Model')).Model }),
              },
              {
                path: 'playground',
                lazy: async () => ({ Component: (await import('@/pages/playground/Playground')).Playground }),
              },
              { path: 'keys', lazy: async () => ({ Component: (await import('@/pages/keys/Keys')).Keys }) },
              {
                path: 'usage',
                lazy: async () => ({ Component: (await import('@/pages/usage/Usage')).Usage }),
              },
              {
                path: 'settings',
                lazy: async () => ({ Component: (await import('@/pages/settings/Settings')).Settings }),
              },
              { path: '*', Component: NoSuchPage },
            ],
          },
        ],
      },
    ],
    { basename: BASENAME },
  )
