/**
 * The page behind "this was not me". It is one text for every token: the token stays in the address bar, where the script
 * takes it from, so nothing that came with the request is written into the page.
 */
import { createHash } from 'node:crypto'

const style = `
  :root { color-scheme: light; background: #ebeef5; color: #303133; font: 1rem/1.5 system-ui, sans-serif; }
  body { max-width: 34rem; margin: 3rem auto; padding: 0 1rem; }
  main { padding: 1.5rem; border-radius: 6px; background: #fff; }
  h1 { margin-top: 0; font-size: 1.25rem; line-height: 1.25; }
  button { font: inherit; padding: .7rem 1.2rem; border: 0; border-radius: 4px; background: #b3261e; color: #fff; cursor: pointer; }
  button:focus-visible { outline: 3px solid currentcolor; outline-offset: 3px; }
  button:disabled { opacity: .6; cursor: progress; }
  [role=status] { min-height: 1.5rem; margin-top: 1.25rem; font-weight: 600; }
  [hidden] { display: none; }
`

/** Scripts and connections are ours alone, and the one style sheet is named by its hash. */
export const notMePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "connect-src 'self'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join(';')

export const notMePage = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Was this not you? - Strongroom</title>
<style>${style}</style>
<script type="module" src="/v1/auth/not-me/page.js"></script>
</head>
<body>
<main>
<h1>Was this not you?</h1>
<div id="question">
<p>We have mailed you about something that happened in your account. If it was you, close this page: nothing has changed.</p>
<p>If it was somebody else, lock the account now. Then</p>
<ul>
<li>every device is signed out, this one too;</li>
<li>nobody can sign in until a new password is set;</li>
<li>you get a mail with a link to set it.</li>
</ul>
<p><button id="lock" type="button" aria-describedby="result" hidden>It was not me: lock my account</button></p>
<noscript>
<p><strong>The button of this page needs JavaScript, which is off.</strong> Switch it on and load the page again, or set a
new password by "forgotten password" where you sign in: that signs out every device as well.</p>
</noscript>
</div>
<p id="result" role="status" tabindex="-1"></p>
</main>
</body>
</html>
`

export const notMeScript = `const token = new URLSearchParams(location.search).get('token')
const question = document.getElementById('question')
const button = document.getElementById('lock')
const result = document.getElementById('result')

// Out of the address bar, the history and whatever is copied from them. The token stays in this script alone.
history.replaceState(null, '', location.pathname)

const end = (text) => {
  question.hidden = true
  result.textContent = text
  result.focus()
}

const again = (text) => {
  result.textContent = text
  button.disabled = false
}

const lock = async () => {
  button.disabled = true
  result.textContent = 'Locking the account ...'
  let status
  try {
    const response = await fetch('/v1/auth/not-me', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ token }),
    })
    status = response.status
  } catch {
    status = 0
  }
  if (status === 204) {
    end('Your account is locked, and every device is signed out. Set a new password with the link that we have just mailed to you.')
  } else if (status === 410 || status === 400) {
    end('This link no longer works: it was used already, or it is too old. If you did not use it, set a new password by "forgotten password" where you sign in.')
  } else if (status === 429) {
    again('There were too many attempts from your network. Wait a minute and press the button again.')
  } else {
    again('That did not work, and your account is not locked yet. Press the button again.')
  }
}

button.addEventListener('click', lock)
button.hidden = false
`
