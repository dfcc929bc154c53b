package aster

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json/jsontext" //nolint:depguard // as wire.go

	"github.com/ballast-go/ballast/marketdata"
)

// The market's events.
const (
	eventKline  = "kline"
	eventMark   = "markPriceUpdate"
	eventTicker = "24hrTicker"
)

// In a stream, names of one letter mean another thing in the other case: e is
// the kind of an event and E its time. decode tells them apart; where the
// venue sends both, both are declared, so that a reader that does not can never
// put one into the other's place.

// skipped is a member that is declared for that alone.
type skipped struct{}

// UnmarshalJSONFrom passes over one value.
func (*skipped) UnmarshalJSONFrom(dec *jsontext.Decoder) error { return dec.SkipValue() }

// streamMessage is an event, or the answer to a subscription.
type streamMessage struct {
	kind    string // of an event, else empty
	event   []byte
	answers bool
	id      label // of what it answers
	refused string
}

// envelope is a message, raw or wrapped as a combined stream's.
type envelope struct {
	Event  text           `json:"e"`
	At     skipped        `json:"E"`
	Stream text           `json:"stream"`
	Data   jsontext.Value `json:"data"`
	ID     label          `json:"id"`
	Code   label          `json:"code"`
	Msg    text           `json:"msg"`
	Error  jsontext.Value `json:"error"`
}

func readStreamMessage(data []byte) (streamMessage, error) {
	var e envelope
	if err := decode(data, &e); err != nil {
		return streamMessage{}, err
	}
	if e.Stream != "" && e.Data != nil {
		data = e.Data
		e = envelope{}
		if err := decode(data, &e); err != nil {
			return streamMessage{}, err
		}
	}
	m := streamMessage{kind: string(e.Event), event: data, answers: e.ID != "" || e.Code != "" || e.Error != nil, id: e.ID}
	switch {
	case e.Error != nil:
		m.refused = "an error"
	case e.Code != "":
		m.refused = "code " + string(e.Code) + ": " + string(e.Msg)
	}
	return m, nil
}

// klineEvent is a candle, open or closed.
type klineEvent struct {
	Event  text     `json:"e"`
	At     moment   `json:"E"`
	Symbol text     `json:"s"`
	Bar    klineBar `json:"k"`
}

type klineBar struct {
	OpenTime    moment  `json:"t"`
	CloseTime   moment  `json:"T"` // its last millisecond
	Symbol      text    `json:"s"`
	Interval    text    `json:"i"`
	Open        amount  `json:"o"`
	Close       amount  `json:"c"`
	High        amount  `json:"h"`
	Low         amount  `json:"l"`
	LastTrade   skipped `json:"L"`
	Volume      amount  `json:"v"`
	TakerVolume skipped `json:"V"`
	QuoteVolume amount  `json:"q"`
	TakerQuote  skipped `json:"Q"`
	Closed      flag    `json:"x"`
}

var errUnnamed = errors.New("the candle does not say what it is of")

func (e *klineEvent) check() error {
	b := &e.Bar
	if err := required(
		presence{"E", e.At.set}, presence{"k.t", b.OpenTime.set}, presence{"k.T", b.CloseTime.set}, presence{"k.x", b.Closed.set}, presence{"k.o", b.Open.set},
		presence{"k.h", b.High.set}, presence{"k.l", b.Low.set}, presence{"k.c", b.Close.set}, presence{"k.v", b.Volume.set}, presence{"k.q", b.QuoteVolume.set},
	); err != nil {
		return err
	}
	length := marketdata.Interval(b.Interval).Duration()
	switch {
	case e.Symbol == "" || e.Symbol != b.Symbol || length == 0:
		return errUnnamed
	case !marketdata.Interval(b.Interval).Floor(b.OpenTime.at).Equal(b.OpenTime.at), !b.CloseTime.at.Equal(b.OpenTime.at.Add(length - time.Millisecond)):
		return fmt.Errorf("a %s candle cannot span %s to %s", b.Interval, b.OpenTime.at.Format(time.RFC3339Nano), b.CloseTime.at.Format(time.RFC3339Nano))
	case b.Closed.on && e.At.at.Before(b.CloseTime.at):
		return fmt.Errorf("a candle cannot be closed at %s, before its end", e.At.at.Format(time.RFC3339Nano))
	}
	return nil
}

func (e *klineEvent) interval() marketdata.Interval { return marketdata.Interval(e.Bar.Interval) }

func (e *klineEvent) candle() marketdata.Candle {
	b := &e.Bar
	return marketdata.Candle{
		OpenTime: b.OpenTime.at, Open: b.Open.value, High: b.High.value, Low: b.Low.value, Close: b.Close.value,
		Volume: b.Volume.value, QuoteVolume: b.QuoteVolume.value,
	}
}

// markEvent is premiumIndex in a stream.
type markEvent struct {
	Event   text    `json:"e"`
	At      moment  `json:"E"`
	Symbol  text    `json:"s"`
	Mark    amount  `json:"p"`
	Settle  skipped `json:"P"`
	Index   amount  `json:"i"`
	Rate    amount  `json:"r"`
	Funding moment  `json:"T"`
}

func (e *markEvent) row() premiumRow {
	return premiumRow{
		Symbol: string(e.Symbol), MarkPrice: e.Mark, IndexPrice: e.Index, LastFundingRate: e.Rate, NextFundingTime: e.Funding, Time: e.At,
	}
}

func (e *markEvent) check() error {
	row := e.row()
	return row.check()
}

// tickerEvent is ticker/24hr in a stream.
type tickerEvent struct {
	Event       text    `json:"e"`
	At          moment  `json:"E"`
	Symbol      text    `json:"s"`
	Change      skipped `json:"p"`
	Percent     amount  `json:"P"`
	Last        amount  `json:"c"`
	CloseTime   moment  `json:"C"`
	LastVolume  skipped `json:"Q"`
	QuoteVolume amount  `json:"q"`
	Open        skipped `json:"o"`
	OpenTime    skipped `json:"O"`
	High        amount  `json:"h"`
	Low         amount  `json:"l"`
	LastID      skipped `json:"L"`
	Volume      amount  `json:"v"`
}

func (e *tickerEvent) row() tickerRow {
	return tickerRow{
		Symbol: string(e.Symbol), LastPrice: e.Last, PriceChangePercent: e.Percent, HighPrice: e.High, LowPrice: e.Low,
		Volume: e.Volume, QuoteVolume: e.QuoteVolume, CloseTime: e.CloseTime,
	}
}

func (e *tickerEvent) check() error {
	row := e.row()
	return row.check()
}
