/* bertc: fine-tune BERT on CPUs. Umbrella header, in data-flow order.
 *
 * Text becomes ids (vocab, tokenizer), the files of a task become labelled examples (task), examples become packed
 * batches (batch), a model directory becomes an encoder with a head (config, model), and both meet in a training run
 * (train). Each header compiles alone.
 *
 * The library never prints, never exits and keeps no global mutable state. Several threads may call its functions at
 * once. Each header states which arguments they may share: in short, a const argument is only read and may be shared;
 * any other argument belongs to one call at a time. A null pointer or a value out of range is BERTC_USAGE unless the
 * header allows it. */
#ifndef BERTC_H
#define BERTC_H

#include "bertc/status.h"
#include "bertc/threads.h"
#include "bertc/config.h"
#include "bertc/vocab.h"
#include "bertc/tokenizer.h"
#include "bertc/task.h"
#include "bertc/own_task.h"
#include "bertc/batch.h"
#include "bertc/model.h"
#include "bertc/inspect.h"
#include "bertc/data.h"
#include "bertc/train.h"
#include "bertc/embed.h"

#endif
