package aster

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext" //nolint:depguard // as wire.go
	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/marketdata"
)

// settle is how long after its close the newest candle is believed when no
// later one follows it: until then its last trades may be on their way.
const settle = 5 * time.Second

// kline is one row as the venue sends it, perhaps of a bar that is still open.
type kline struct {
	candle   marketdata.Candle
	closesAt time.Time // the last millisecond
}

// klines is a run of them.
type klines []kline

// UnmarshalJSONFrom reads an array of arrays.
func (k *klines) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*k = nil
	if dec.PeekKind() == '{' {
		return errNotRows
	}
	return eachRow(dec, func() error {
		if len(*k) == marketdata.MaxCandles {
			return fmt.Errorf("must have at most %d candles", marketdata.MaxCandles)
		}
		next, err := readKline(dec)
		*k = append(*k, next)
		return err
	})
}

// readKline reads [open time, open, high, low, close, volume, close time,
// quote volume, …].
func readKline(dec *jsontext.Decoder) (kline, error) {
	var k kline
	c := &k.candle
	if token, err := dec.ReadToken(); err != nil {
		return k, err
	} else if token.Kind() != '[' {
		return k, errNotRows
	}
	var err error
	if c.OpenTime, err = readMoment(dec); err != nil {
		return k, fmt.Errorf("open time: %w", err)
	}
	for _, column := range [...]struct {
		name string
		out  *decimal.Decimal
	}{{"open", &c.Open}, {"high", &c.High}, {"low", &c.Low}, {"close", &c.Close}, {"volume", &c.Volume}} {
		if *column.out, err = readAmount(dec); err != nil {
			return k, fmt.Errorf("%s: %w", column.name, err)
		}
	}
	if k.closesAt, err = readMoment(dec); err != nil {
		return k, fmt.Errorf("close time: %w", err)
	}
	if c.QuoteVolume, err = readAmount(dec); err != nil {
		return k, fmt.Errorf("quote volume: %w", err)
	}
	for dec.PeekKind() != ']' {
		if err := dec.SkipValue(); err != nil {
			return k, err
		}
	}
	_, err = dec.ReadToken()
	return k, err
}

// span is when klines were asked for, in the venue's time.
type span struct {
	until          time.Time // candles that close later are not wanted
	sent, received time.Time
	surely         time.Time // what it was at least when it was sent: by the venue's clock and by ours
}

// earlier keeps an offset that was measured wrongly from making an open bar
// look closed.
func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// closed checks the whole run, open bars included, and returns the candles
// that were closed when it was asked for. The error is a
// *marketdata.CandleError.
func (k klines) closed(interval marketdata.Interval, asked span) (marketdata.Series, error) {
	length := interval.Duration()
	candles := make([]marketdata.Candle, 0, len(k))
	for n := range k {
		c := k[n].candle
		ends := c.OpenTime.Add(length)
		wrong := func(reason marketdata.Reason, format string, args ...any) error {
			return &marketdata.CandleError{Index: n, OpenTime: c.OpenTime, Reason: reason, Detail: fmt.Sprintf(format, args...)}
		}
		if n > 0 {
			want := k[n-1].candle.OpenTime.Add(length)
			if c.OpenTime.After(want) {
				return marketdata.Series{}, wrong(marketdata.ReasonGap, "expected the candle that opens %s", want.Format(time.RFC3339))
			}
			if c.OpenTime.Before(want) {
				return marketdata.Series{}, wrong(marketdata.ReasonBadCandle, "comes twice or out of order: expected the candle that opens %s", want.Format(time.RFC3339))
			}
		}
		if end := ends.Add(-time.Millisecond); !k[n].closesAt.Equal(end) {
			return marketdata.Series{}, wrong(marketdata.ReasonBadCandle, "a %s candle must close at %s, closes at %s",
				interval, end.Format(time.RFC3339Nano), k[n].closesAt.Format(time.RFC3339Nano))
		}
		if c.OpenTime.After(asked.received.Add(marketdata.MaxFutureStamp)) {
			return marketdata.Series{}, wrong(marketdata.ReasonBadCandle, "opens in the future: it is %s", asked.received.Format(time.RFC3339))
		}
		if ends.After(asked.until) || ends.After(asked.sent) || n == len(k)-1 && ends.Add(settle).After(asked.surely) {
			continue // open, or not yet sure to be complete
		}
		candles = append(candles, c)
	}
	return marketdata.NewSeries(interval, candles)
}

// klinesCall asks for the newest limit bars that open before end.
func klinesCall(symbol string, interval marketdata.Interval, limit int, end time.Time) call {
	cl := call{
		method: http.MethodGet, path: "/klines", weight: klinesWeight(limit),
		params: []param{{"symbol", symbol}, {"interval", string(interval)}, {"limit", strconv.Itoa(limit)}},
	}
	if !end.IsZero() {
		cl.params = append(cl.params, param{"endTime", strconv.FormatInt(end.UnixMilli()-1, 10)})
	}
	return cl
}

func klinesWeight(limit int) int {
	switch {
	case limit < 100:
		return 1
	case limit < 500:
		return 2
	case limit <= 1000:
		return 5
	default:
		return 10
	}
}

// oneMore is how many bars to ask for to have count closed ones: the newest is
// still open.
func oneMore(count int) int { return min(count+1, marketdata.MaxCandles) }

// Klines are the newest closed candles of a symbol, at most limit (1 to
// 1,499), oldest first, closed at end at the latest; the zero end means by
// now, in the venue's time. Bars that are still open never are among them. A
// candle that is missing, comes twice or contradicts itself is an error that
// wraps a *marketdata.CandleError.
func (c *Client) Klines(ctx context.Context, symbol string, interval marketdata.Interval, limit int, end time.Time) ([]marketdata.Candle, error) {
	if err := checkName("symbol", symbol); err != nil {
		return nil, fmt.Errorf("aster: klines: %w", err)
	}
	if !interval.Valid() {
		return nil, fmt.Errorf("aster: klines: %w %.20q", marketdata.ErrInterval, string(interval))
	}
	if err := validateInt("limit", limit, 1, marketdata.MaxCandles-1); err != nil {
		return nil, fmt.Errorf("aster: klines: %w", err)
	}
	sent, err := c.venueTime(ctx)
	if err != nil {
		return nil, err
	}
	own := c.cfg.Now()
	var answer klines
	if err := c.do(ctx, klinesCall(symbol, interval, oneMore(limit), end), &answer); err != nil {
		return nil, err
	}
	asked := span{until: sent, sent: sent, received: c.venueNow(), surely: earlier(sent, own)}
	if !end.IsZero() {
		asked.until = end
	}
	series, err := answer.closed(interval, asked)
	if err != nil {
		return nil, fmt.Errorf("aster: klines: %.40s: %w", symbol, err)
	}
	return series.Tail(limit).Candles(), nil
}
