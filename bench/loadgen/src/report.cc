#include <cstdio>

#include "runner.h"

namespace loadgen {
namespace {

std::string Escape(const std::string& text) {
  std::string out;
  for (unsigned char c : text) {
    char code[8];
    if (c == '"' || c == '\\' || c < 0x20 || c >= 0x7F) {
      snprintf(code, sizeof code, "\\u%04x", c);
      out += code;
    } else {
      out.push_back(static_cast<char>(c));
    }
  }
  return out;
}

}  // namespace

class JsonObject {
 public:
  void Add(const char* key, double value, int decimals) {
    char text[64];
    snprintf(text, sizeof text, "%.*f", decimals, value);
    Member(key) += text;
  }
  void Add(const char* key, uint64_t value) { Member(key) += std::to_string(value); }
  void Add(const char* key, const std::string& value) { Member(key) += '"' + Escape(value) + '"'; }
  std::string Finish() const { return "{" + text_ + "}"; }

 private:
  std::string& Member(const char* key) {
    if (!text_.empty()) text_ += ',';
    text_ += '"';
    text_ += key;
    return text_ += "\":";
  }
  std::string text_;
};

std::string Runner::ResultJson() const {
  return options_.command == Command::kStart ? StartJson() : LoadJson();
}

void Runner::AddIdle(JsonObject* json) const {
  const ProcStats &before = before_idle_.server, &after = after_idle_.server;
  json->Add("active", options_.active);
  json->Add("openSeconds", static_cast<double>(after_idle_.at_ns - before_idle_.at_ns) / 1e9, 3);
  json->Add("closedLater", closed_later_);
  if (!before.known || !after.known) return;
  json->Add("rssOpenMb", after.rss_mb, 1);
  const double bytes = (after.rss_mb - before.rss_mb) * 1024 * 1024;
  json->Add("bytesPerConnection", bytes / static_cast<double>(options_.connections), 0);
}

std::string Runner::StartJson() const {
  JsonObject json;
  json.Add("firstReplyMs", first_reply_ms_, 3);
  if (after_.server.known) {
    json.Add("serverCpuMs", after_.server.cpu_seconds * 1e3, 0);
    json.Add("rssMb", after_.server.rss_mb, 1);
    json.Add("rssPeakMb", after_.server.rss_peak_mb, 1);
  }
  return json.Finish();
}

std::string Runner::LoadJson() const {
  const double seconds = static_cast<double>(after_.at_ns - before_.at_ns) / 1e9;
  const double messages = static_cast<double>(traffic_.replies);
  JsonObject json;
  json.Add("mode", std::string(options_.rate > 0 ? "open" : "closed"));
  json.Add("connections", options_.connections);
  json.Add("depth", options_.depth);
  if (options_.command == Command::kIdle) AddIdle(&json);
  if (options_.rate > 0) json.Add("targetRate", options_.rate, 1);
  json.Add("messages", traffic_.replies);
  json.Add("seconds", seconds, 4);
  json.Add("rate", messages / seconds, 4);
  json.Add("errors", traffic_.errors);
  if (traffic_.errors > 0) json.Add("firstError", traffic_.first_error);
  json.Add("extraFrames", traffic_.extra_frames);
  json.Add("meanUs", latency_.mean() / 1e3, 2);
  json.Add("p50us", static_cast<double>(latency_.Percentile(0.50)) / 1e3, 2);
  json.Add("p90us", static_cast<double>(latency_.Percentile(0.90)) / 1e3, 2);
  json.Add("p99us", static_cast<double>(latency_.Percentile(0.99)) / 1e3, 2);
  json.Add("p999us", static_cast<double>(latency_.Percentile(0.999)) / 1e3, 2);
  json.Add("p9999us", static_cast<double>(latency_.Percentile(0.9999)) / 1e3, 2);
  json.Add("maxUs", static_cast<double>(latency_.max()) / 1e3, 2);
  json.Add("generatorCpu", (after_.own_cpu - before_.own_cpu) / seconds, 4);
  if (options_.rate > 0) {
    json.Add("lateP99us", static_cast<double>(lateness_.Percentile(0.99)) / 1e3, 2);
    json.Add("lateMaxUs", static_cast<double>(lateness_.max()) / 1e3, 2);
  }
  json.Add("firstReplyMs", first_reply_ms_, 3);
  json.Add("requestBytes", static_cast<uint64_t>(request_bytes_));
  json.Add("replyBytes", static_cast<uint64_t>(reply_.bytes.size()));
  json.Add("bytesOut", traffic_.bytes_out);
  json.Add("bytesIn", traffic_.bytes_in);
  if (before_.server.known && after_.server.known) {
    const double cpu = after_.server.cpu_seconds - before_.server.cpu_seconds;
    json.Add("serverCpu", cpu / seconds, 4);
    if (messages > 0) json.Add("cpuUsPerMsg", cpu * 1e6 / messages, 3);
    json.Add("rssBeforeMb", before_.server.rss_mb, 1);
    json.Add("rssAfterMb", after_.server.rss_mb, 1);
    json.Add("rssPeakMb", after_.server.rss_peak_mb, 1);
  }
  return json.Finish();
}

}  // namespace loadgen
