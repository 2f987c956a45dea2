/* page_traffic.c: what the overlay costs: traffic by kind and by node, lookups,
 * messages. */
#include "analysis/page.h"

void page_traffic(const struct page *p)
{
    static const char *const kinds[] = {"handshake", "agreeing on a session and its keys",
                                        "heartbeat", "keeping holes open",
                                        "kad",       "lookups and the table of contacts",
                                        "pubsub",    "subscriptions and messages",
                                        "reach",     "finding out how one can be reached",
                                        "relay",     "forwarded for others",
                                        "punch",     "opening paths through NATs",
                                        "data",      "what the programs above send",
                                        "nonsense",  "not understood, dropped",
                                        NULL};
    fputs(p->cells->count > 1 ? "<div>" : "<div class=\"tables\"><div>", p->out);
    fputs("<h3>Bytes sent per node and second, by kind</h3>\n", p->out);
    page_groups(p, &(struct page_groups){"sent", "kind", "B/s", kinds});
    fputs(p->cells->count > 1 ? "" : "</div><div>", p->out);
    fputs("<h3>Datagrams sent per node and second, by kind</h3>\n", p->out);
    page_groups(p, &(struct page_groups){"datagrams", "kind", "1/s", NULL});
    fputs("<h3>Bytes sent and received per node and second, by population</h3>\n", p->out);
    page_groups(p, &(struct page_groups){"population", "population", "B/s", NULL});
    fputs(p->cells->count > 1 ? "</div>\n" : "</div></div>\n", p->out);
    /* Recorded by population, the traffic stands at each one's first node. */
    int64_t by_population =
        source_number(p->source,
                      "SELECT count(DISTINCT node) <= (SELECT count(DISTINCT population) FROM"
                      " main.node JOIN counted USING(run)) AND (SELECT max(nodes) FROM counted) >"
                      " count(DISTINCT node) FROM main.traffic JOIN counted USING(run)",
                      "");
    if (by_population)
        fputs("<p class=\"note\">Traffic was recorded by population, so it cannot be told by"
              " node.</p>\n",
              p->out);
    else
        figures_html(p->figures, FIGURES_TRAFFIC, p->out);
}

void page_lookups(const struct page *p)
{
    if (source_number(p->source, "SELECT count(*) FROM main.lookup JOIN counted USING(run)", "") ==
        0) {
        fputs("<p class=\"nothing\">There were no lookups.</p>\n", p->out);
        return;
    }
    fputs("<h3>Hops of the lookups that ended well</h3>\n", p->out);
    page_groups(p, &(struct page_groups){"hops", "hops", "ratio", NULL});
    figures_html(p->figures, FIGURES_LOOKUPS, p->out);
}

void page_messages(const struct page *p)
{
    if (source_number(p->source, "SELECT count(*) FROM main.message JOIN counted USING(run)", "") ==
        0)
        return;
    fputs("<h3>Messages</h3>\n", p->out);
    figures_html(p->figures, FIGURES_MESSAGES, p->out);
}
