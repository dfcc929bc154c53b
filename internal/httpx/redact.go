package httpx

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ballast-go/ballast/secret"
)

// Redact makes text from a server fit for an error or a log: one line of valid
// UTF-8, of at most limit bytes, in which each given secret and whatever looks
// like a key (sk-…), a token after Bearer or Basic, or a JWT (eyJ…) reads
// secret.Redacted. It redacts before it clips, so that no key is half left.
func Redact(text string, limit int, secrets ...secret.Value) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	for _, s := range secrets {
		if plain := s.Reveal(); plain != "" {
			text = strings.ReplaceAll(text, plain, secret.Redacted)
			text = strings.ReplaceAll(text, url.QueryEscape(plain), secret.Redacted)
		}
	}
	var line strings.Builder
	afterScheme := false
	for field := range strings.FieldsFuncSeq(text, isSpaceOrControl) {
		if line.Len() > 0 {
			line.WriteByte(' ')
		}
		if afterScheme {
			line.WriteString(redactFirstToken(field))
		} else {
			line.WriteString(redactKeys(field))
		}
		afterScheme = endsInScheme(field)
	}
	return Clip(line.String(), limit)
}

// Clip cuts text to at most limit bytes at a rune, and ends it in "…" if it cut.
func Clip(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	cut := max(limit-len("…"), 0)
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}

func isSpaceOrControl(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }

// isTokenRune spans keys, JWTs, base64 and the dots and stars that providers
// put in the middle of a key they show.
func isTokenRune(r rune) bool {
	return r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-_.+/=~*", r)) || r == '…'
}

func endsInScheme(field string) bool {
	word := strings.ToLower(strings.TrimRight(field[lastTokenStart(field):], ":"))
	return word == "bearer" || word == "basic"
}

func lastTokenStart(field string) int {
	return strings.LastIndexFunc(strings.TrimRight(field, ":"), func(r rune) bool { return !isTokenRune(r) }) + 1
}

func redactFirstToken(field string) string {
	if strings.HasPrefix(field, secret.Redacted) {
		return field
	}
	start := strings.IndexFunc(field, isTokenRune)
	if start < 0 {
		return field
	}
	end := tokenEnd(field, start)
	return field[:start] + secret.Redacted + redactKeys(field[end:])
}

func tokenEnd(text string, start int) int {
	if length := strings.IndexFunc(text[start:], func(r rune) bool { return !isTokenRune(r) }); length >= 0 {
		return start + length
	}
	return len(text)
}

// redactKeys replaces each token that holds a key. A key may follow "key=" or
// a path inside its token, hence the search for the mark instead of a prefix.
func redactKeys(field string) string {
	var out strings.Builder
	for len(field) > 0 {
		start := strings.IndexFunc(field, isTokenRune)
		if start < 0 {
			break
		}
		end := tokenEnd(field, start)
		out.WriteString(field[:start])
		out.WriteString(redactToken(field[start:end]))
		field = field[end:]
	}
	out.WriteString(field)
	return out.String()
}

func redactToken(token string) string {
	lower := strings.ToLower(token)
	for _, mark := range [...]string{"sk-", "sk_", "eyj"} {
		at := strings.Index(lower, mark)
		wordStart := at == 0 || at > 0 && strings.IndexByte("=/+.", lower[at-1]) >= 0
		if wordStart && len(token)-at >= minKeyLen {
			return token[:at] + secret.Redacted
		}
	}
	return token
}

// minKeyLen keeps words such as "sk-learn" readable.
const minKeyLen = len("sk-") + 8
