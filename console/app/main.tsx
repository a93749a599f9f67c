/** The console starts: preferences and language, then the key of a sibling tab, then the page. */
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { RouterProvider } from 'react-router'
import { isApiError } from '@/api/client'
import { onChange, start } from '@/api/key'
import { redeemCodes } from '@/api/loginCode'
import { keepFocus } from '@/frame/keepFocus'
import { apply } from '@/frame/preferences'
import { chooseLanguage, languageChoice } from '@/i18n'
import { makeRouter } from './routes'
import './styles/tokens.css'
import './styles/base.css'

const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 1_000,
      // a refusal stays one; only a lost connection or a busy server is worth another try
      retry: (failures, error) =>
        failures < 2 &&
        isApiError(error) &&
        (error.isOffline || error.status === 429 || error.status === 503),
      networkMode: 'always', // the server is often this very machine
      refetchOnReconnect: true, // which that mode would turn off
    },
    mutations: { networkMode: 'always' },
  },
})

apply()
keepFocus()
await Promise.all([chooseLanguage(languageChoice()), start()])
await redeemCodes()
onChange(() => client.clear()) // another key sees another project
createRoot(document.getElementById('root') as HTMLElement).render(
  <StrictMode>
    <QueryClientProvider client={client}>
      <RouterProvider router={makeRouter()} />
    </QueryClientProvider>
  </StrictMode>,
)
