package api

import (
	"time"

	"github.com/ballast-go/ballast/examples/internal/app"
	"github.com/ballast-go/ballast/marketdata"
	"github.com/ballast-go/ballast/marketdata/indicator"
)

// Market answers "market SYMBOL --json". Null is unknown.
type Market struct {
	Symbol         string    `json:"symbol"`
	AsOf           time.Time `json:"as_of"` // UTC
	CurrentPrice   Number    `json:"current_price"`
	PriceAt        time.Time `json:"price_at"` // UTC
	MarkPrice      Number    `json:"mark_price"`
	PriceChange24h Number    `json:"price_change_24h"` // percent
	Volume24h      Number    `json:"volume_24h"`       // in the quote asset
	OpenInterest   Number    `json:"open_interest"`    // in the base asset
	Funding        Funding   `json:"funding"`
	Instrument     *Listing  `json:"instrument"`
	// Candles are the newest that had closed, oldest first, by interval.
	Candles    map[marketdata.Interval][]Candle      `json:"candles"`
	Indicators map[marketdata.Interval]indicator.Set `json:"indicators"` // the newest values by interval
	Freshness  Freshness                             `json:"freshness"`
	Weight     *Weight                               `json:"weight"` // null: no exchange
	Degraded   []string                              `json:"degraded"`
}

// Funding is what holding a position costs. Null is unknown.
type Funding struct {
	Rate            Number     `json:"rate"` // fraction of the notional that longs pay
	IntervalSeconds *int64     `json:"interval_seconds"`
	NextAt          *time.Time `json:"next_at"` // UTC
	NextSeconds     *int64     `json:"next_seconds"`
}

// Freshness says whether the asset would be decided on.
type Freshness struct {
	Usable           bool                          `json:"usable"`
	Problem          *string                       `json:"problem"`
	PriceAgeSeconds  float64                       `json:"price_age_seconds"` // negative: stamped ahead of the clock here
	CandleAgeSeconds map[marketdata.Interval]int64 `json:"candle_age_seconds"`
}

// Weight is how much of an exchange's limit of this minute was used.
type Weight struct {
	Used  int `json:"used"`
	Limit int `json:"limit"`
}

// Listing is how a symbol trades. Null is unknown.
type Listing struct {
	Symbol         string `json:"symbol"`
	BaseAsset      string `json:"base_asset"`
	QuoteAsset     string `json:"quote_asset"`
	TickSize       Number `json:"tick_size"`        // quote units
	LotSize        Number `json:"lot_size"`         // base units
	MinQuantity    Number `json:"min_quantity"`     // base units
	MinNotionalUSD Number `json:"min_notional_usd"` // price × quantity
	MaxLeverage    Number `json:"max_leverage"`
}

// Listings answers "market symbols --json".
type Listings struct {
	Symbols []Listing `json:"symbols"`
	Notes   []string  `json:"notes"`
}

// NewListing is one symbol.
func NewListing(l app.Listing) Listing {
	return Listing{
		Symbol: l.Symbol, BaseAsset: l.BaseAsset, QuoteAsset: l.QuoteAsset, TickSize: Number{l.TickSize}, LotSize: Number{l.LotSize},
		MinQuantity: Number{l.MinQuantity}, MinNotionalUSD: Number{l.MinNotionalUSD}, MaxLeverage: Number{l.MaxLeverage},
	}
}

// NewListings are all symbols.
func NewListings(all []app.Listing, notes []string) Listings {
	out := Listings{Symbols: make([]Listing, len(all)), Notes: list(notes)}
	for i, l := range all {
		out.Symbols[i] = NewListing(l)
	}
	return out
}

// NewMarket is the answer for one asset with the newest candles of each
// interval.
func NewMarket(v app.View, candles int) Market {
	q := v.Asset.Quote
	out := Market{
		Symbol: v.Asset.Symbol, AsOf: v.At, CurrentPrice: Of(q.Last), PriceAt: q.LastAt.UTC(), MarkPrice: Number{q.Mark},
		PriceChange24h: Number{q.Change24hPercent}, Volume24h: Number{q.QuoteVolume24h}, OpenInterest: Number{q.OpenInterest},
		Funding: Funding{Rate: Number{q.FundingRate}, IntervalSeconds: WholeSeconds(q.FundingInterval)},
		Candles: map[marketdata.Interval][]Candle{}, Indicators: map[marketdata.Interval]indicator.Set{},
		Freshness: Freshness{
			Usable: v.Unusable == nil, PriceAgeSeconds: v.At.Sub(q.LastAt).Seconds(), CandleAgeSeconds: map[marketdata.Interval]int64{},
		},
		Degraded: append(append([]string{}, v.Notes...), v.Asset.Degraded...),
	}
	if v.Unusable != nil {
		out.Freshness.Problem = &v.Unusable.Detail
	}
	if !v.NextFundingAt.IsZero() {
		out.Funding.NextAt = &v.NextFundingAt
		if in, known := v.NextFunding(); known {
			out.Funding.NextSeconds = WholeSeconds(in)
		}
	}
	if in := v.Asset.Instrument; in != nil {
		one := NewListing(app.Listing{Instrument: *in, MaxLeverage: app.MaxLeverage(in.Brackets)})
		out.Instrument = &one
	}
	for _, i := range v.Intervals {
		series := v.Asset.Series[i]
		out.Candles[i] = candlesOf(series.Tail(candles))
		if set, ok := v.Indicators[i]; ok {
			out.Indicators[i] = set.Tail(1)
		}
		if series.Len() > 0 {
			out.Freshness.CandleAgeSeconds[i] = int64(v.At.Sub(series.CloseTime()) / time.Second)
		}
	}
	if v.Usage != nil {
		out.Weight = &Weight{Used: v.Usage.UsedWeight, Limit: v.Usage.Limit}
	}
	return out
}

func candlesOf(s marketdata.Series) []Candle {
	out := make([]Candle, s.Len())
	for n := range out {
		c := s.At(n)
		out[n] = Candle{
			OpenTime: c.OpenTime, CloseTime: c.OpenTime.Add(s.Interval().Duration()),
			Open: Of(c.Open), High: Of(c.High), Low: Of(c.Low), Close: Of(c.Close), Volume: Of(c.Volume),
		}
	}
	return out
}
