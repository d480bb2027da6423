/** The tools that there are. Another one is a file beside these, a kind of channel, and a sender in `executors/message/`. */
import type { ChannelKind } from '../message.ts'
import { discord } from './discord.ts'
import { email } from './email.ts'
import { slack } from './slack.ts'
import type { Tool, ToolAction } from './tool.ts'
import { webhook } from './webhook.ts'

export type { Tool, ToolAction, ToolInput } from './tool.ts'
export const tools: Record<ChannelKind, Tool> = { slack, discord, webhook, email }

export const toolAction = (kind: ChannelKind, name: string): ToolAction | undefined =>
  tools[kind].actions.find((action) => action.name === name)
